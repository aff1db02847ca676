"""The names whose forms are looked for."""

from __future__ import annotations

import pytest

from evaluation.data import TOFU, missing
from evaluation.overblocking.names import invented, known
from guard.phrase import Phrase


def test_known_names_are_distinct_and_can_be_phrases() -> None:
    names = known()
    assert len(names) == len({Phrase(name, force=True).pattern for name in names}) > 80
    assert {"Albert Einstein", "Will Smith", "Joan of Arc"} <= set(names)
    assert all(name == name.strip() and "\n" not in name for name in names)


@pytest.mark.skipif(bool(missing(TOFU)), reason=missing(TOFU))
def test_the_invented_authors_are_twenty() -> None:
    names = invented()
    assert len(names) == 20
    assert all(" " in name for name in names)
