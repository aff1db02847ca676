"""Engines: they generate answers under the guard."""
