"""Limits on what one request may ask for. The engine would do all of it, and other clients would wait."""

from __future__ import annotations

from dataclasses import dataclass

from server.errors import BadRequest

CODE = "limit_exceeded"


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """The most messages of a chat request, prompts in a list, and choices (prompts times `n`) of a request."""

    messages: int = 2048
    prompts: int = 128
    choices: int = 128

    def check_messages(self, count: int) -> None:
        """Raise BadRequest if a chat request has more than so many messages."""
        if count > self.messages:
            raise _too_many("messages", f"has {count} messages", self.messages)

    def check_choices(self, prompts: int, n: int, param: str) -> None:
        """Check a request for `n` choices of each of its `prompts`.

        Args:
            prompts: The number of prompts.
            n: The number of choices of each.
            param: The field that holds the prompts.

        Raises:
            BadRequest: There are too many prompts, or too many choices in all.
        """
        if prompts > self.prompts:
            raise _too_many(param, f"has {prompts} prompts", self.prompts)
        if prompts * n > self.choices:
            asked = f"is {n}" if prompts == 1 else f"is {n}, which makes {prompts * n} choices for {prompts} prompts"
            raise _too_many("n", asked, self.choices)


def _too_many(param: str, what: str, most: int) -> BadRequest:
    return BadRequest(
        f"`{param}` {what}. The most that this server accepts is {most}: split the request.", param=param, code=CODE
    )
