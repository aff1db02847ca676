"""Engines: what generates under the guard."""
