"""Forget targets in the store."""
