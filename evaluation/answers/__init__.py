"""Answers about what must be forgotten: do they tell it, half tell it, and can one read them? `make eval-answers`."""
