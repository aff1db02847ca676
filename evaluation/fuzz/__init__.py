"""Random requests to a running server, and random input to its parsers: nothing breaks, and nothing forbidden is said."""
