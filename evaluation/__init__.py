"""Does it forget, does it still know the rest, what does it cost? Demo data, a tiny model that knows it, and measurements."""
