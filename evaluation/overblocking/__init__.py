"""Over-blocking: how many innocent answers a form of a phrase hits, and not the phrase itself."""
