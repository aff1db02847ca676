"""Soundness: does anything banned ever get said?"""
