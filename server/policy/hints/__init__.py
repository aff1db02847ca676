"""Hints: what the server tells an operator about a target beside its errors: warnings, namesakes, what detection would miss."""
