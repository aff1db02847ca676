"""Answers: the steps between the engine and the client."""
