"""Screening: from the texts of a request to a decision."""
