"""Soundness: does a model ever say what is banned?"""
