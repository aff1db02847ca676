"""A dialect: what the server knows of one route that generates: its fields, the texts in a request, the form of an answer.

All differences between the routes are in their dialects. The rest of the server is the same for all of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from pydantic import TypeAdapter, ValidationError

from guard.processors.arguments import ALLOW, HITS, JOINS, KEY, NAME, REFUSE
from server.answers.chunk import Form
from server.answers.fanout import Call
from server.errors import BadRequest
from server.http.requestlimits import RequestLimits
from server.openai.fields import BY_ROUTE, GUARD_CONFLICT, Field, Route, check, forwarded, given
from server.openai.length import Counts, check_prompts, check_texts
from server.openai.schemas import within_64_bits
from server.openai.telling import Telling
from server.screening.conversation import Text
from server.screening.decision import Decision

# The fields that make vLLM constrain an answer by a grammar.
_SCHEMAS = ("response_format", "structured_outputs", "tools")  # the fields with JSON schemas
_CONSTRAINTS = ("response_format", "structured_outputs", "tools", "tool_choice", "parallel_tool_calls")
_MOST = 16384  # vLLM's own limit of `n` (VLLM_MAX_N_SEQUENCES): it refuses more, so `calls` does not split such a request
_GREEDY = 1e-5  # below this temperature vLLM refuses more than one choice
_MAX_SEED = 2**63 - 1
_TAIL = 2048  # characters at the end of a prompt in which a phrase may have begun
_INTEGER = TypeAdapter(int)

Body = Mapping[str, Any]


class Tokens(Counts, Protocol):
    """What a dialect needs to know about the model, most of it about its tokens. An `Engine` knows it."""

    @property
    def vocabulary(self) -> int:
        """The number of token ids a prompt may use."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of token ids for screening, in every way in which the model may read it."""
        ...

    @property
    def developer(self) -> bool:
        """Whether the model's chat template knows the role `developer`."""
        ...

    def enforces(self, schema: Mapping[str, Any]) -> bool:
        """Return whether the engine can constrain an answer by a JSON schema."""
        ...


class Dialect(ABC):
    """What the server knows of one route. It has no state: one object serves all requests."""

    name: ClassVar[Route]
    path: ClassVar[str]
    form: ClassVar[Form]
    prompt_field: ClassVar[str]
    """The field that holds the prompt or prompts."""
    wide: ClassVar[frozenset[str]] = frozenset({*_SCHEMAS, "messages", "documents"})
    """The fields in which an integer may need all 64 bits, without a sign: a maximum in a schema, an id that a client adds."""

    @property
    def engine_path(self) -> str:
        """The path of the engine's route that answers."""
        return self.path

    @property
    def fields(self) -> Mapping[str, Field]:
        """Every field of a request as `given` returns it, by name, and what the server does with it."""
        return BY_ROUTE[self.name]

    @property
    def accepted(self) -> Mapping[str, Field]:
        """Every field of a client's body. A dialect that translates requests has other `fields`."""
        return self.fields

    def given(self, body: Body, *, drop_unknown: bool = False) -> dict[str, Any]:
        """Return what a client's body says: the fields with a value (`server.openai.fields.given`).

        A dialect that translates requests raises BadRequest for what it cannot translate.
        """
        return given(body, self.fields, drop_unknown=drop_unknown)

    def telling(self) -> Telling:
        """Return what tells the client of a new request what becomes of it."""
        return Telling()

    def passed(self, body: Body, engine: Tokens) -> dict[str, Any]:
        """Return a body that was read, changed so that the engine takes it and so that the model sees what was screened."""
        return {name: within_64_bits(value) if name in _SCHEMAS else value for name, value in body.items()}

    def check(self, body: Body) -> None:
        """Raise BadRequest for a field that gets round the guard, is unknown or is not served."""
        check(body, self.fields)
        self.check_together(body)

    def check_together(self, body: Body) -> None:
        """Raise BadRequest for what the value of a field by itself does not show: what is inside it, or fields that conflict."""
        return

    def check_under_policy(self, body: Body) -> None:
        """Raise BadRequest for a field that is refused where there is a policy.

        A list of allowed tokens would let a client ask token by token which of them are banned. The server refuses it whatever
        the request is about, so that the error says nothing about the policy.
        """
        if body.get("allowed_token_ids"):
            message = "`allowed_token_ids` is not supported where a policy is in force, so leave it out: use `logit_bias`."
            raise BadRequest(message, param="allowed_token_ids", code=GUARD_CONFLICT)

    @abstractmethod
    def texts(self, body: Body, tokens: Tokens) -> list[Text]:
        """Return every text of a request that the model will read. Raises BadRequest for a text that it cannot find."""

    @abstractmethod
    def shown(self, body: Body) -> list[str | Sequence[int]]:
        """Return what every template shows of each prompt, as a text or as token ids. `texts` must have read the body."""

    def check_counts(self, body: Body, limits: RequestLimits) -> None:
        """Raise BadRequest if a request has too many prompts or asks for too many choices."""
        # What vLLM refuses as a number costs nothing.
        limits.check_choices(len(self.prompts(body)), _integer(body.get("n"), 1) or 1, self.prompt_field)

    def read(self, body: Body, engine: Tokens, limits: RequestLimits) -> list[Text]:
        """Check a request, as `given` returned it, and return its texts.

        Raises:
            BadRequest: What `check`, `check_counts` and `texts` raise. `code` is `context_length_exceeded` for a prompt that is
                longer than the model's context.
        """
        self.check(body)
        self.check_counts(body, limits)
        texts = self.texts(body, engine)
        check_prompts(self.shown(body), engine, self.prompt_field)
        check_texts(texts, engine.context_length, self.prompt_field)
        return texts

    def restricted(
        self,
        body: Body,
        decision: Decision,
        dead_end: int,
        *,
        hits: bool = False,
        continues: bool = False,
        joins: bool = False,
    ) -> dict[str, Any]:
        """Return the body for the engine, with the restrictions and hints of the decision.

        Args:
            body: The client's body.
            decision: What is done with the request.
            dead_end: The id of the dead-end token.
            hits: Whether the engine ends a choice at a hit.
            continues: Whether a choice may go on after it was cut. For that the engine tells the ids of all tokens.
            joins: Whether special tokens end no text of the prompt (`joins`).

        Raises:
            BadRequest: `stop_token_ids` is not a list.
        """
        rewritten = self.hinted(forwarded(body, self.fields), decision.hints)
        arguments: dict[str, Any] = {KEY: decision.argument}
        if decision.counted:
            arguments[NAME] = decision.id
        if decision.allowed:
            arguments[ALLOW] = list(decision.allowed)
        if hits:
            arguments[HITS] = 1
        if joins:
            arguments[JOINS] = 1
        if continues:
            rewritten["return_token_ids"] = True
        rewritten["vllm_xargs"] = arguments
        if decision.argument:
            stops = rewritten.get("stop_token_ids") or []
            if not isinstance(stops, Sequence) or isinstance(stops, str):
                raise BadRequest("`stop_token_ids` must be a list of integers.", param="stop_token_ids", code="invalid_value")
            rewritten["stop_token_ids"] = [*stops, dead_end]
        return rewritten

    def joins(self, body: Body, readings: Callable[[str], Sequence[str]]) -> bool:
        """Return whether a client wrote special tokens into the text that the answer continues.

        Args:
            body: The request.
            readings: Returns other texts that the model may read in place of a text (`Engine.readings`).
        """
        # Only the end matters: a phrase is shorter. Of token ids the worker tells by itself.
        return any(not isinstance(text, str) or bool(readings(text[-_TAIL:])) for text in self.continued(body))

    @abstractmethod
    def continued(self, body: Body) -> list[Any]:
        """Return the texts, or token ids, that the answers go on with; [] if an answer is a message of its own."""

    def grammatical(self, body: Body) -> bool:
        """Return whether a grammar constrains the answer, whatever the model says."""
        form, choice = body.get("response_format"), body.get("tool_choice")
        free = form is None or (isinstance(form, Mapping) and form.get("type") == "text")
        return not free or bool(body.get("structured_outputs")) or choice not in (None, "none", "auto")

    def continues(self, body: Body) -> bool:
        """Return whether an answer that was cut may go on: it is text alone, and the engine tells its tokens."""
        return not self.constrained(body) and not body.get("echo")

    def hinted(self, body: Body, hints: Sequence[str]) -> dict[str, Any]:
        """Return the body with the system lines of the policy; a route without system messages ignores them."""
        return dict(body)

    def constrained(self, body: Body) -> bool:
        """Return whether a grammar may constrain the answer."""
        return any(body.get(field) for field in _CONSTRAINTS)

    def silenced(self, body: Body) -> dict[str, Any]:
        """Return the body, as `restricted` made it, changed so that the engine answers in its own form with an empty text."""
        return {field: value for field, value in body.items() if field not in _CONSTRAINTS} | {"vllm_xargs": {KEY: [REFUSE]}}

    def prompts(self, body: Body) -> list[Any]:
        """Return the prompts of a request, each in the form that `with_prompt` takes."""
        return [None]

    def with_prompt(self, body: Body, prompt: Any) -> dict[str, Any]:
        """Return the body with one of its `prompts` only."""
        return dict(body)

    def with_prompts(self, body: Body, prompts: Sequence[Any]) -> dict[str, Any]:
        """Return the body with some of its `prompts`, at least one."""
        return self.with_prompt(body, prompts[0] if len(prompts) == 1 else list(prompts))

    def texts_by_prompt(self, body: Body, texts: Sequence[Text]) -> list[list[Text]]:
        """Return for each of the `prompts` the texts that the model reads with it.

        Args:
            body: The request.
            texts: What `texts` returned for it.
        """
        return [list(texts)]

    def calls_by_prompt(self, body: Body, decisions: Sequence[Decision]) -> list[tuple[Call, Decision]]:
        """Split a request for several prompts: one call for those in which nothing was found, and one for each other prompt.

        Args:
            body: The client's body.
            decisions: The decision about each of its `prompts`.

        Returns:
            The calls, each with the decision that holds for it. A call has all choices of its prompts.
        """
        prompts, n = self.prompts(body), _integer(body.get("n"), 1)
        if n is None or not 1 <= n <= _MOST:
            n = 1  # vLLM refuses each of the calls
        free = [at for at, decision in enumerate(decisions) if not decision.matches]
        groups = [*([free] if free else []), *([at] for at, decision in enumerate(decisions) if decision.matches)]
        calls = []
        for group in groups:
            numbers = [at * n + k for at in group for k in range(n)]
            own = self.with_prompts(body, [prompts[at] for at in group])
            calls.append((Call(numbers[0], group[0], own, numbers, "p"), decisions[group[0]]))
        return calls

    def calls(self, body: Body) -> list[Call]:
        """Split a request, as `restricted` made it, into one call per choice.

        The calls are in vLLM's order: the `n` choices of the first prompt, then those of the second. Where the request has a
        seed, choice k of a prompt gets the seed that vLLM gives it, `seed` + k. A request that vLLM refuses is not split, so that
        the client gets vLLM's message.
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
    """Return a number as vLLM's request models read it, None if they refuse it."""
    if value is None:
        return otherwise
    try:
        return _INTEGER.validate_python(value)
    except ValidationError:
        return None


def _greedy(temperature: Any) -> bool:
    return isinstance(temperature, int | float) and temperature < _GREEDY


def _wrapped(seed: int) -> int:
    """Return the seed as a 64-bit integer: torch reads a negative seed modulo 2**64."""
    return seed if seed <= _MAX_SEED else seed - 2**64
