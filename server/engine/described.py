"""What an engine of a fleet says of itself, and whether a front end can use it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

import guard
from guard.errors import VocabularyError
from guard.processors.tokenizer import dead_end_token, vocabulary_from
from guard.tokens.cache import digest_of
from guard.tokens.vocabulary import Vocabulary
from server.engine.protocol import Engine

VLLM = "0.32.0"
"""The version of vLLM whose workers, answers and errors this server knows. Its extras pin it."""


@dataclass(frozen=True, slots=True)
class Described:
    """What an engine says of itself.

    Attributes:
        models: The names under which it serves its model.
        package: The version of this package there.
        code: `code()` there.
        vllm: Its version of vLLM.
        vocabulary: `digest_of` the vocabulary in which it bans tokens.
        width: The width of its logits.
        ends: The ids with which the model ends its answers.
        dead_end: The id of its dead-end token.
        context_length: The number of tokens that a prompt and its answer may have together.
        developer: Whether its chat template knows the role `developer`.
    """

    models: tuple[str, ...]
    package: str
    code: str
    vllm: str
    vocabulary: str
    width: int
    ends: tuple[int, ...]
    dead_end: int
    context_length: int
    developer: bool

    def told(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Described:
        """Return what JSON says. Raises ValueError if it does not say all of it."""
        try:
            return _DESCRIBED.validate_python(value)
        except ValidationError as error:
            places = ", ".join(sorted({str(problem["loc"][0]) if problem["loc"] else "" for problem in error.errors()}))
            raise ValueError(f"the description of the engine is incomplete or of the wrong type: {places}") from None


_DESCRIBED = TypeAdapter(Described)


@lru_cache(maxsize=1)
def code() -> str:
    """Return a digest of the code that bans tokens. Two builds of one version may differ in it."""
    folder = Path(str(guard.__file__)).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def describe(engine: Engine, models: Sequence[str], vocabulary: str, ends: Collection[int]) -> Described:
    """Return what an engine says of itself.

    Args:
        engine: The engine.
        models: The names under which it serves its model.
        vocabulary: `digest_of` its vocabulary.
        ends: The ids with which the model ends its answers.
    """
    return Described(
        models=tuple(models),
        package=version("guard-server"),
        code=code(),
        vllm=engine.version,
        vocabulary=vocabulary,
        width=engine.vocabulary,
        ends=tuple(sorted(ends)),
        dead_end=engine.dead_end,
        context_length=engine.context_length,
        developer=engine.developer,
    )


class Matching:
    """Compares engines with what a front end knows: its own versions, the model's name, and its own tokenizer.

    Args:
        model: The name of the model that the front end serves.
        tokenizer: The model's tokenizer, as transformers loads it.
    """

    def __init__(self, model: str, tokenizer: Any) -> None:
        self._model = model
        self._tokenizer = tokenizer
        # Of the width that was asked for last: its vocabulary, and the digest of that. Threads replace it as a whole.
        self._known: tuple[int, Vocabulary, str] | None = None

    def vocabulary(self, width: int) -> Vocabulary:
        """Return the tokenizer's vocabulary for logits of a width. Takes seconds the first time if it is large."""
        return self._vocabulary(width)[0]

    def mismatch(self, engine: Described, serving: Described | None = None) -> str | None:
        """Return why an engine cannot be used, None if it can. Takes seconds the first time if the vocabulary is large.

        Args:
            engine: What the engine says.
            serving: What an engine says that is in use already: all have to do the same.
        """
        package = version("guard-server")
        if engine.package != package:
            return f"it has version {engine.package} of guard-server, and the front end {package}: install the same on both"
        if engine.code != code():
            return "its code in the package guard is not the front end's: install the same build on both"
        if engine.vllm.split("+")[0] != VLLM:
            return f"it runs vLLM {engine.vllm}, and the guard was tested with {VLLM}: install that"
        if self._model not in engine.models:
            return f"it serves {', '.join(engine.models)}, and the front end {self._model}: give it --served-model-name"
        if not 0 < engine.width < 2**24:
            return f"its logits have the width {engine.width}, which no model has"
        try:
            same = self._vocabulary(engine.width)[1] == engine.vocabulary
            dead_end = dead_end_token(self._tokenizer, engine.width, engine.ends)
        except VocabularyError as error:
            return f"the front end's tokenizer cannot be used: {error}"
        if not same:
            return "its tokenizer is not the front end's, so both would ban other tokens: give both the same files (--tokenizer)"
        if engine.dead_end != dead_end:
            return f"its dead-end token is {engine.dead_end}, and by the front end's tokenizer it is {dead_end}"
        if serving and engine.context_length != serving.context_length:
            told = f"{engine.context_length} tokens, and the engines in use have {serving.context_length}"
            return f"its context has {told}: give all the same --max-model-len"
        if serving and (engine.ends, engine.width, engine.developer) != (serving.ends, serving.width, serving.developer):
            return "its model or its chat template is not that of the engines in use"
        return None

    def _vocabulary(self, width: int) -> tuple[Vocabulary, str]:
        known = self._known
        if known is None or known[0] != width:
            made = vocabulary_from(self._tokenizer, width)
            known = self._known = (width, made, digest_of(made))
        return known[1:]
