"""Proposals: phrases that are found in the examples and documents of a target."""
