"""The phrases that benchmarks ban: any number of them, all different, the same in every run."""

from __future__ import annotations

import random
from collections.abc import Callable

MOST = 1_000_000
"""The most phrases that `phrases` returns; the words below would make several times that number."""

_ONSETS = ("b", "br", "c", "d", "dr", "f", "g", "gr", "h", "j", "k", "l", "m", "n", "p", "r", "s", "st", "t", "th", "v", "w", "z")
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ea", "ia")
_CODAS = ("", "", "l", "m", "n", "r", "s", "th", "x", "nd", "rk")
_SURNAME_ENDINGS = ("berg", "dale", "ford", "ham", "ley", "mann", "ov", "quist", "sen", "shire", "son", "well", "wick", "worth")
_ADJECTIVES = (
    *("Ashen", "Broken", "Burning", "Copper", "Crimson", "Distant", "Drowned", "Empty", "Forgotten", "Frozen", "Gilded"),
    *("Hidden", "Hollow", "Iron", "Last", "Late", "Lonely", "Marble", "Midnight", "Narrow", "Northern", "Pale", "Paper"),
    *("Quiet", "Restless", "Ruined", "Salt", "Scarlet", "Second", "Secret", "Silent", "Silver", "Sleeping", "Stolen"),
    *("Sunken", "Thirteenth", "Unfinished", "Velvet", "Wandering", "Winter"),
)
_NOUNS = (
    *("Almanac", "Archive", "Bridge", "Cartographer", "Cathedral", "Chronicle", "Clockmaker", "Compass", "Covenant", "Daughter"),
    *("Embers", "Engine", "Ferryman", "Garden", "Glass", "Harbour", "Hourglass", "House", "Inheritance", "Island", "Kingdom"),
    *("Lantern", "Letters", "Library", "Lighthouse", "Mirror", "Mountain", "Nightingale", "Orchard", "Parliament", "Pilgrim"),
    *("River", "Shadow", "Silence", "Station", "Storm", "Testament", "Tower", "Voyage", "Watchman"),
)


def phrases(n: int, seed: int = 0) -> list[str]:
    """Return `n` phrases of two or three words; no two are equal when case is ignored.

    Three in four are invented names, the others look like titles. The first k of n phrases are those of `phrases(k, seed)`, so a
    larger set holds the smaller one.

    Raises:
        ValueError: `n` is below zero or above a million.
    """
    if not 0 <= n <= MOST:
        raise ValueError(f"n is {n}, not within 0..{MOST}")
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    kinds: tuple[Callable[[random.Random], str], ...] = (invented_name, invented_name, _long_name, _title)
    made: dict[str, str] = {}
    while len(made) < n:
        phrase = rng.choice(kinds)(rng)
        made.setdefault(phrase.casefold(), phrase)
    return list(made.values())


def _syllable(rng: random.Random) -> str:
    return rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS)


def _given(rng: random.Random) -> str:
    return (_syllable(rng) + _syllable(rng)).capitalize()


def _surname(rng: random.Random) -> str:
    return (_syllable(rng) + _syllable(rng) + rng.choice(_SURNAME_ENDINGS)).capitalize()


def invented_name(rng: random.Random) -> str:
    """Return an invented name: a given name and a surname."""
    return f"{_given(rng)} {_surname(rng)}"


def _long_name(rng: random.Random) -> str:
    return f"{_given(rng)} {_given(rng)} {_surname(rng)}"


def _title(rng: random.Random) -> str:
    if rng.random() < 0.2:
        return f"The {rng.choice(_ADJECTIVES)} {rng.choice(_NOUNS)}"
    return f"{rng.choice(_NOUNS)} of {rng.choice(_NOUNS)}" if rng.random() < 0.1 else _made_title(rng)


def _made_title(rng: random.Random) -> str:
    # With an invented name in it: real words alone would not make 100,000 different titles.
    return f"{rng.choice(_ADJECTIVES)} {rng.choice(_NOUNS)} {_given(rng)}"
