"""Which texts of a request count when the server looks for a target in them.

Clients send the whole conversation again with each turn, and operators name in their system text what must not be discussed. If
all of that counted in the same way, one early turn would refuse the rest of a conversation, and such a system text every request.
So a text may count in one of two ways: it may restrict the answer (the target's phrases are banned in it), or it may also decide
that there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from classifiers.word import Word

ALL: Literal["all"] = "all"
"""The whole conversation."""


class Weight(Word):
    """What a text may do that names a target or asks about it.

    `ignore`: nothing. `restrict`: the target's phrases are banned in the answer, and the text alone refuses nothing. `count`:
    what the last user message may do, so a request about a target with the action `refuse` gets no answer.
    """

    IGNORE = "ignore"
    RESTRICT = "restrict"
    COUNT = "count"


class RefuseOn(Word):
    """Which turns of a conversation may refuse: the latest turn with what it refers to, or all that count (`history`)."""

    LATEST_TURN = "latest_turn"
    HISTORY = "history"


def check_history(value: object) -> object:
    """Check how far back a conversation counts: "all", or a number of turns from 1 on. None passes.

    Raises:
        ValueError: It is neither.
    """
    if value is None or value == ALL or (type(value) is int and value >= 1):
        return value
    raise ValueError("should be all, or the number of user turns that count: 1 for the latest one alone")


History = Annotated[Literal["all"] | int, BeforeValidator(check_history)]


class DetectionSpec(BaseModel):
    """Which texts count for a target, as a policy says it. What is left out or null has the default of the policy or the server.

    Attributes:
        history: How many turns of the conversation count, from the last one back; "all" for all of them.
        refuse_on: Which of these may refuse.
        system: What system and developer messages may do.
        tools: What tool definitions and the schemas of an answer may do.
        documents: What documents and the results of tools may do.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    history: History | None = None
    refuse_on: RefuseOn | None = None
    system: Weight | None = None
    tools: Weight | None = None
    documents: Weight | None = None

    @model_serializer(mode="wrap")
    def _without_defaults(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = handler(self)
        return {key: value for key, value in written.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Detection:
    """Which texts count for a target: every value is decided. The attributes are those of `DetectionSpec`."""

    history: Literal["all"] | int = ALL
    refuse_on: RefuseOn = RefuseOn.LATEST_TURN
    system: Weight = Weight.RESTRICT
    tools: Weight = Weight.RESTRICT
    documents: Weight = Weight.COUNT

    def with_own(self, own: DetectionSpec | None) -> Detection:
        """Return these values with those of `own` in their place that it has."""
        if own is None:
            return self
        return Detection(
            self.history if own.history is None else own.history,
            self.refuse_on if own.refuse_on is None else own.refuse_on,
            self.system if own.system is None else own.system,
            self.tools if own.tools is None else own.tools,
            self.documents if own.documents is None else own.documents,
        )

    @property
    def spec(self) -> DetectionSpec:
        """The same values as a policy writes them."""
        return DetectionSpec(
            history=self.history, refuse_on=self.refuse_on, system=self.system, tools=self.tools, documents=self.documents
        )


def merged(own: DetectionSpec | None, defaults: DetectionSpec) -> DetectionSpec:
    """Return what a target says, with `defaults` for each value that it leaves out."""
    return defaults if own is None else DetectionSpec(**{**_given(defaults), **_given(own)})


def _given(spec: DetectionSpec) -> dict[str, Any]:
    return {name: value for name in DetectionSpec.model_fields if (value := getattr(spec, name)) is not None}
