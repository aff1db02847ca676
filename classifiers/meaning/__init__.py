"""Meaning: is a text near an example of a target?"""
