"""Answers: what becomes of an engine's answer on its way to the client."""
