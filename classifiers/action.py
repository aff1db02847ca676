"""Actions: what happens to a prompt about a forget target, and to the answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from classifiers.word import Word

Verdict = Literal["allow", "restrict", "refuse", "monitor"]
"""What the server does with a request. It allows a request in which no target was found."""


class _Meaning(NamedTuple):
    """One row of the table below."""

    verdict: Verdict
    strictness: int
    bans: bool
    answers: bool
    outcome: str
    effect: str


class Action(Word):
    """What happens to a prompt about a target.

    `suppress` answers it without the target's phrases, `refuse` does not answer it, `monitor` answers it freely and records it.
    JSON, pydantic and the store hold the plain string; in JSON Schema an action is an enumeration of the three strings.
    """

    SUPPRESS = "suppress"
    REFUSE = "refuse"
    MONITOR = "monitor"

    @property
    def verdict(self) -> Verdict:
        """What the server does with a request in which only targets with this action were found."""
        return _MEANINGS[self].verdict

    @property
    def strictness(self) -> int:
        """The order of the actions: the action with the highest number decides a request about several targets."""
        return _MEANINGS[self].strictness

    @property
    def bans(self) -> bool:
        """Whether the target's phrases and semantic words are kept out of answers about it. Only then are they compiled.

        Some requests about a target that is refused are answered, under its bans: those in which only an earlier turn or a system
        text is about it (`classifiers.detection`).
        """
        return _MEANINGS[self].bans

    @property
    def bans_always(self) -> bool:
        """Whether its phrases of the scope `always` are kept out of all other answers, too. If not, they hold as `gated` ones."""
        return self is Action.SUPPRESS

    @property
    def answers(self) -> bool:
        """Whether a prompt about the target gets an answer. A match of a target without one settles what happens."""
        return _MEANINGS[self].answers

    @property
    def enforces(self) -> bool:
        """Whether the server does anything but record the request. The page of a report asks this."""
        return self.bans or not self.answers

    @property
    def outcome(self) -> str:
        """What becomes of a prompt about the target, in a few words for the report."""
        return _MEANINGS[self].outcome

    @property
    def effect(self) -> str:
        """What the server does about the target, as a sentence for the report."""
        return _MEANINGS[self].effect

    @classmethod
    def strictest(cls, actions: Iterable[Action]) -> Action | None:
        """Return the strictest of `actions`, None if there are none."""
        return max(actions, key=lambda action: action.strictness, default=None)


_MEANINGS = {
    Action.MONITOR: _Meaning(
        "monitor",
        strictness=0,
        bans=False,
        answers=True,
        outcome="only recorded",
        effect="this server only records requests about the target.",
    ),
    Action.SUPPRESS: _Meaning(
        "restrict",
        strictness=1,
        bans=True,
        answers=True,
        outcome="answered without what is listed below",
        effect="this server keeps the model from saying what is listed here.",
    ),
    Action.REFUSE: _Meaning(
        "refuse",
        strictness=2,
        bans=True,
        answers=False,
        outcome="not answered",
        effect="requests about the target get no answer from this server. Where only an earlier turn or a system text is "
        "about it, the answer does not say what is listed here.",
    ),
}
