"""Profiles: what is known about a target, and whether a prompt that does not name it describes it."""
