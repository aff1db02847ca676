"""How a target is answered, in the API's models."""

from __future__ import annotations

from pydantic import Field

from classifiers.answering import DEFAULT, Answer, Answering, Echo, InContext
from classifiers.detection import DetectionSpec
from classifiers.target import Hint, Say
from server.api.base import ApiModel


class AnsweringFields(ApiModel):
    """How a target is answered and found, as clients send and get it."""

    answer: Answer | None = Field(
        None,
        description="what becomes of an answer that was about to say a phrase: `abstain`: it is cut before the sentence and says "
        "`say`; `rephrase`: it takes another way; `mask`: it takes the next best token; null: the server's default",
    )
    say: Say = Field(
        None,
        description="what an answer says in place of what it leaves out: a text, or texts by language (ISO 639-1, `default` for "
        "every other one); no text may say a phrase of the target; null: the server's default",
    )
    echo: Echo | None = Field(
        None, description="whether an answer may say a name of the target that occurs in the prompt; null: the server's default"
    )
    in_context: InContext | None = Field(
        None,
        description="what happens where the prompt itself says a fact: `suppress`: the answer does not say it; `refuse`: there "
        "is no answer; `allow`: the answer may say it; null: the server's default",
    )
    hint: Hint = Field(
        None,
        description="system line for chat requests about the target; it may not say a phrase of the target; empty: no line; "
        "null: the server's default",
    )
    detection: DetectionSpec | None = Field(
        None,
        description="which texts of a request count for the target: `history` (`all`, or a number of user turns), `refuse_on` "
        "(`latest_turn` or `history`), and for `system`, `tools` and `documents` `ignore`, `restrict` or `count`; what is left "
        "out has the server's default",
    )


class EffectiveAnswering(ApiModel):
    """How answers about a target are given: its own values, and the server's defaults for those that it leaves out."""

    answer: Answer
    say: dict[str, str] = Field(description="texts by language; `default` is for every other one")
    echo: Echo
    in_context: InContext
    hint: str | None

    @classmethod
    def of(cls, answering: Answering) -> EffectiveAnswering:
        """Return the values as they are shown."""
        say = {language or DEFAULT: text for language, text in answering.say.items()}
        return cls(answer=answering.answer, say=say, echo=answering.echo, in_context=answering.in_context, hint=answering.hint)
