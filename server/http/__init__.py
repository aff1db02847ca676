"""HTTP: bodies, keys, limits and errors, the same for all routes."""
