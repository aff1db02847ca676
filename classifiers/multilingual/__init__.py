"""Prompts in other languages than English."""
