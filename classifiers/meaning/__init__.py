"""Meaning: is a text close in meaning to an example of a target?"""
