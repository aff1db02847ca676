"""Meaning: words near an anchor, by their vectors."""
