from __future__ import annotations

from evaluation.targets.kills import play


def test_a_killed_import_is_there_or_not() -> None:
    found = play(3, seed=7)
    assert sum(found.values()) == 3
