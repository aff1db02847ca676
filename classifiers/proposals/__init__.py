"""Proposals: phrases found in a target's examples and documents."""
