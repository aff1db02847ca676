"""Naming: does a text name a target?"""
