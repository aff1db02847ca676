"""Hints in the system message."""

from __future__ import annotations

from typing import Any

import pytest

from server.openai.hints import with_hints

USER = {"role": "user", "content": "Hatta?"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([USER], [{"role": "system", "content": "A.\nB."}, USER]),
        ([{"role": "system", "content": "Be brief."}, USER], [{"role": "system", "content": "Be brief.\n\nA.\nB."}, USER]),
        ([{"role": "system", "content": ""}, USER], [{"role": "system", "content": "A.\nB."}, USER]),
        ([{"role": "system"}, USER], [{"role": "system", "content": "A.\nB."}, USER]),
        (
            [USER, {"role": "developer", "content": [{"type": "text", "text": "x"}], "name": "n"}],
            [
                USER,
                {
                    "role": "developer",
                    "content": [{"type": "text", "text": "x"}, {"type": "text", "text": "\n\nA.\nB."}],
                    "name": "n",
                },
            ],
        ),
    ],
)
def test_they_go_into_the_first_system_message_or_a_new_first_one(before: list[Any], after: list[Any]) -> None:
    copy = [dict(message) for message in before]
    assert with_hints(before, ["A.", "B."]) == after
    assert before == copy


def test_without_hints_nothing_changes() -> None:
    assert with_hints([USER], []) == [USER]
