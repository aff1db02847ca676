"""Does it forget, and does it still know the rest? `make eval`."""
