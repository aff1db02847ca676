"""Processors: they run the decode-time core in engines. Nothing is imported here, because each engine loads its own module."""
