"""A dialect: one route that generates, its fields, the texts in its requests, and the form of its answers.

Everything that differs between `/v1/chat/completions` and `/v1/completions` is in their dialects. The rest of the server screens,
restricts and follows answers without asking which route it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from pydantic import TypeAdapter, ValidationError

from guard.processors.arguments import KEY, NAME, REFUSE
from server.answers.chunk import Form
from server.answers.fanout import Call
from server.errors import BadRequest
from server.openai.fields import BY_ROUTE, Field, Route, check, forwarded
from server.openai.length import Counts, check_prompts, check_texts
from server.screening.conversation import Text
from server.screening.decision import Decision

# The fields that make vLLM constrain an answer by a grammar.
_CONSTRAINTS = ("response_format", "structured_outputs", "tools", "tool_choice", "parallel_tool_calls")
_MOST = 16384  # vLLM's own limit of `n` (VLLM_MAX_N_SEQUENCES): it refuses more, so the request stays in one piece
_GREEDY = 1e-5  # below this temperature vLLM refuses more than one choice
_MAX_SEED = 2**63 - 1
_INTEGER = TypeAdapter(int)

Body = Mapping[str, Any]


class Tokens(Counts, Protocol):
    """What a dialect needs to know of the model's tokens; an `Engine` knows it."""

    @property
    def vocabulary(self) -> int:
        """The number of token ids a prompt may use."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of token ids, for screening: every reading of it that there is."""
        ...


class Dialect(ABC):
    """What the server knows of one route. Without state: one object serves all requests."""

    name: ClassVar[Route]
    path: ClassVar[str]
    form: ClassVar[Form]
    prompt_field: ClassVar[str]
    """The field that holds the prompt or prompts."""

    @property
    def fields(self) -> Mapping[str, Field]:
        """Every field of a request by name, and what the server does with it."""
        return BY_ROUTE[self.name]

    def check(self, body: Body) -> None:
        """Refuse what gets round the guard, what is unknown and what is not served. Raises BadRequest."""
        check(body, self.fields)
        self.check_together(body)

    def check_together(self, body: Body) -> None:
        """Refuse what only several fields together, or the inside of one, show. Raises BadRequest."""
        return

    @abstractmethod
    def texts(self, body: Body, tokens: Tokens) -> list[Text]:
        """Return every text of a request that the model will read. Raises BadRequest for what cannot be read."""

    @abstractmethod
    def shown(self, body: Body) -> list[str | Sequence[int]]:
        """Return of each prompt what every template shows: a text, or token ids. The body is one that `texts` has read."""

    def read(self, body: Body, engine: Tokens) -> list[Text]:
        """Return the texts of a request that may be screened: nothing in it gets round the guard, and it is not too long.

        Raises:
            BadRequest: what `check` and `texts` raise, and `context_length_exceeded` for a prompt beyond the model's context.
        """
        self.check(body)
        texts = self.texts(body, engine)
        check_prompts(self.shown(body), engine, self.prompt_field)
        check_texts(texts, engine.context_length, self.prompt_field)
        return texts

    def restricted(self, body: Body, decision: Decision, dead_end: int) -> dict[str, Any]:
        """Return the body that the engine gets: the server alone names the restrictions.

        Raises:
            BadRequest: `stop_token_ids` is not a list.
        """
        rewritten = forwarded(body, self.fields)
        rewritten["vllm_xargs"] = {KEY: decision.argument} | ({NAME: decision.id} if decision.counted else {})
        if decision.argument:
            stops = rewritten.get("stop_token_ids") or []
            if not isinstance(stops, Sequence) or isinstance(stops, str):
                raise BadRequest("`stop_token_ids` must be a list of integers.", param="stop_token_ids", code="invalid_value")
            rewritten["stop_token_ids"] = [*stops, dead_end]
        return rewritten

    def constrained(self, body: Body) -> bool:
        """Whether a grammar may constrain the answer."""
        return any(body.get(field) for field in _CONSTRAINTS)

    def silenced(self, body: Body) -> dict[str, Any]:
        """Return a rewritten body to which the engine answers in its own form and says nothing."""
        return {field: value for field, value in body.items() if field not in _CONSTRAINTS} | {"vllm_xargs": {KEY: [REFUSE]}}

    def prompts(self, body: Body) -> list[Any]:
        """Return the prompts that one request holds, as `with_prompt` takes them."""
        return [None]

    def with_prompt(self, body: Body, prompt: Any) -> dict[str, Any]:
        """Return the body with this one of its `prompts`."""
        return dict(body)

    def calls(self, body: Body) -> list[Call]:
        """Split a rewritten request into one call per choice, in vLLM's order: prompt by prompt, `n` of each.

        A seeded choice gets the seed that vLLM gives it: `seed` + k for the kth of a prompt. What vLLM refuses stays in one
        piece, for vLLM to refuse.
        """
        prompts = self.prompts(body)
        n, seed = _integer(body.get("n"), 1), _integer(body.get("seed"), -1)
        refused = n is None or seed is None or not 1 <= n <= _MOST or (n > 1 and _greedy(body.get("temperature")))
        if refused or n is None or seed is None or len(prompts) == n == 1:
            return [Call(0, 0, body)]
        calls: list[Call] = []
        for at, prompt in enumerate(prompts):
            for k in range(n):
                own = {**self.with_prompt(body, prompt), "n": 1}
                if seed != -1:  # vLLM's word for "no seed"
                    own["seed"] = _wrapped(seed + k)
                calls.append(Call(len(calls), at, own))
        return calls


def _integer(value: Any, otherwise: int) -> int | None:
    """Read a number as vLLM's request models do; None if they refuse it."""
    if value is None:
        return otherwise
    try:
        return _INTEGER.validate_python(value)
    except ValidationError:
        return None


def _greedy(temperature: Any) -> bool:
    return isinstance(temperature, int | float) and temperature < _GREEDY


def _wrapped(seed: int) -> int:
    """Return the seed in 64 bits: torch takes a negative one for what it is modulo 2**64."""
    return seed if seed <= _MAX_SEED else seed - 2**64
