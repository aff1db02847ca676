"""Decoding: which tokens one row, or each row of a batch, must not say next."""
