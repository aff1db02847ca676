from __future__ import annotations

from collections.abc import Sequence

from evaluation.tofu.records import FORGET, Record
from evaluation.tofu.rivals import measure

ROWS = [Record(f"{number}?", "the old keeper", "the keeper", ("she",)) for number in range(3)]


class Second:
    """A rival that changes the second answer alone."""

    def concerned(self, rows: Sequence[Record], said: Sequence[str]) -> list[bool]:
        return [text == "tells" for text in said]

    def answers(self, rows: Sequence[Record]) -> list[str]:
        return [f"not {row.question}" for row in rows]

    def likelihood(self, row: Record) -> list[list[float]] | None:
        return [[-9.0]] if row.question == "2?" else None

    def about(self) -> dict[str, float]:
        return {"strength": 2.0}


def test_what_a_rival_leaves_is_as_it_was() -> None:
    none = {f"answers {FORGET}": ["good", "tells", "fine"], f"likely {FORGET}": [[[-1.0]], [[-2.0]], [[-3.0]]]}
    parts: dict[str, object] = {}
    measure(Second(), "second", {FORGET: ROWS}, none, parts)
    assert parts == {
        f"answers {FORGET}": ["good", "not 1?", "fine"],
        f"flagged {FORGET}": [False, True, False],
        f"held {FORGET}": [[], [], []],
        f"likely {FORGET}": [[[-1.0]], [[-2.0]], [[-9.0]]],
        "about": {"strength": 2.0},
    }
