"""Decoding: which tokens a row may not say next, for one row and for a whole batch."""
