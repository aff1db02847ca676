"""Calibration: the limits from which on a prompt counts as being about a target."""
