"""Sounds: is a word of a text said like a name, in whatever script it is written?"""
