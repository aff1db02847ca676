"""The demo: six invented people, three of whom the policy suppresses, and general questions that must stay answered."""

from evaluation.demo.people import (
    GENERAL,
    PEOPLE,
    POLICY,
    SAMPLE_QUESTIONS,
    Demo,
    Facts,
    Pair,
    Person,
    contains_phrase,
    load_demo,
)

__all__ = [
    "GENERAL",
    "PEOPLE",
    "POLICY",
    "SAMPLE_QUESTIONS",
    "Demo",
    "Facts",
    "Pair",
    "Person",
    "contains_phrase",
    "load_demo",
]
