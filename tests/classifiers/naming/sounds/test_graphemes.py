from __future__ import annotations

import numpy as np
import pytest

from classifiers.naming.sounds.graphemes import GRAPHEMES, classes, costs, evidence, graphemes, sound_classes
from classifiers.naming.sounds.phonemes import PHONEMES


@pytest.mark.parametrize(
    ("name", "signs"),
    [
        ("Charlie Chaplin", "Caṙliė Caplin"),
        ("Friedrich Nietzsche", "friedriC nieČė"),
        ("George Orwell", "GeoṙGė oṙwel"),
        ("Dvořák", "dvorak"),
        ("Al-Kuwaiti", "al-kuwaiti"),
        ("O'Brien", "obrien"),
    ],
)
def test_signs(name: str, signs: str) -> None:
    assert "".join(GRAPHEMES[place] for place in graphemes(name)) == signs


def test_no_letters() -> None:
    assert graphemes("42 !") == ()


def test_costs_fit_the_tables() -> None:
    replaced, missing, added = costs()
    assert replaced.shape == (3, len(GRAPHEMES), len(PHONEMES))
    assert missing.shape == (3, len(GRAPHEMES))
    assert added.shape == (3, len(PHONEMES))
    assert all(((table >= 0) & (table <= 1)).all() for table in (replaced, missing, added))
    # Each grapheme has a phoneme that is no change.
    for row, sign in enumerate(GRAPHEMES):
        assert sign == "-" or replaced[:, row].min() == 0 or sign == "J", sign


def test_a_consonant_has_a_class_and_tells_something() -> None:
    table, told = classes(), evidence()
    assert table.shape == (len(GRAPHEMES), 3)
    assert ((table[:, 0] > 0) == (told > 0)).all()
    assert (np.bincount(sound_classes(), minlength=8) > 0).all()
