"""Calibration: the limits at which a prompt counts as one about a target."""
