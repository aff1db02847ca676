"""Matching: automata that find phrases in a stream of folded bytes."""
