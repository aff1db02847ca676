"""Others: well-known people, works, places, organisations, substances and topics that are not the target."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from importlib.resources import files

from classifiers.profile.words import informative

KINDS = ("person", "work", "place", "organisation", "substance", "topic")
"""The kinds of others. The file has two more lists: common given names and family names, for namesakes."""


@lru_cache(maxsize=1)
def others() -> Mapping[str, tuple[str, ...]]:
    """Return the names of the package by kind; `given` and `family` are common names of people."""
    found: dict[str, tuple[str, ...]] = {}
    for line in files("classifiers").joinpath("data/others.txt").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            kind, _, names = line.partition(":")
            found[kind] = tuple(name.strip() for name in names.split(";"))
    return found


@lru_cache(maxsize=1)
def all_others() -> tuple[str, ...]:
    """Return the names of all kinds, without given and family names."""
    return tuple(name for kind in KINDS for name in others()[kind])


@lru_cache(maxsize=1)
def _words_of_others() -> tuple[frozenset[str], ...]:
    return tuple(frozenset(informative([name])) for name in all_others())


def strangers(words: Collection[str]) -> list[int]:
    """Return which of `all_others` share no telling word with a target whose names have the stems `words`."""
    known = frozenset(words)
    return [number for number, own in enumerate(_words_of_others()) if own.isdisjoint(known)]
