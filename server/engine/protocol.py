"""The protocol of an engine: an ASGI application that generates, and methods to load restrictions into it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import httpx
from starlette.types import ASGIApp

from guard.tokens.vocabulary import Vocabulary
from server.errors import EngineFailure
from server.settings import Settings


class Engine(Protocol):
    """A running engine with the guard's logits processor in it."""

    @property
    def app(self) -> ASGIApp:
        """Its OpenAI-compatible application. It refuses a request without a guard argument."""
        ...

    @property
    def dead(self) -> asyncio.Event:
        """Set soon after the engine has died. It will not come back."""
        ...

    @property
    def alive(self) -> bool:
        """Whether the engine has not died. It is False at once, before `dead` is set."""
        ...

    @property
    def version(self) -> str:
        """The engine's own version."""
        ...

    @property
    def dead_end(self) -> int:
        """The id of the dead-end token, with which an answer ends if the guard leaves it no other token."""
        ...

    @property
    def tells_hits(self) -> bool:
        """Whether the dead end is no end of the model's own, so that an answer that ends at a hit can be told from any other."""
        ...

    @property
    def vocabulary(self) -> int:
        """The number of token ids that a prompt may use."""
        ...

    @property
    def ranks(self) -> int:
        """The number of its data-parallel ranks. A request with the header `RANK` is answered by the rank of that number."""
        ...

    @property
    def context_length(self) -> int:
        """The number of tokens that a prompt and its answer may have together."""
        ...

    @property
    def developer(self) -> bool:
        """Whether the model's chat template knows the role `developer`."""
        ...

    def enforces(self, schema: Mapping[str, Any]) -> bool:
        """Return whether it can constrain an answer by a JSON schema. Threads call it."""
        ...

    def tokens(self) -> Vocabulary:
        """Return the bytes of each token id. The first call takes seconds if the vocabulary is large: make it on a thread."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of token ids for screening, in every way in which the model may read it."""
        ...

    def readings(self, text: str) -> Sequence[str]:
        """Return the texts that the model may read in place of `text` if special tokens are written in it; [] if none are.

        Threads call it. It takes microseconds for a text without special tokens.
        """
        ...

    def least_tokens(self, text: str) -> int:
        """Return a lower bound of the number of tokens of `text` in a prompt.

        It is quick, so a bound that exceeds the context length may be far below the exact number. Threads call it.
        """
        ...

    async def load(self, digests: Sequence[str]) -> None:
        """Load restrictions in every worker. Raises EngineFailure unless every worker acknowledges all of them."""
        ...

    async def forget(self, digests: Sequence[str]) -> None:
        """Remove restrictions from the memory of every worker. Raises EngineFailure if a worker does not answer."""
        ...

    async def held(self, digests: Sequence[str]) -> Sequence[int]:
        """Return how many of these restrictions each worker holds. Raises EngineFailure if a worker does not answer.

        With several data-parallel ranks, the workers of the first one come first.
        """
        ...

    async def suppressed(self, names: Sequence[str]) -> Mapping[str, int]:
        """Return how many tokens were suppressed under each name (`guard_id`) that is known, and forget these counts.

        Raises:
            EngineFailure: A worker does not answer.
        """
        ...


OpenEngine = Callable[[Settings], AbstractAsyncContextManager[Engine]]


RANK = "x-data-parallel-rank"
"""The header that picks the rank. No header of a client's with this name reaches the engine."""


async def request(
    app: ASGIApp, method: str, path: str, body: dict[str, Any] | None = None, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    """Call an application in this process, the engine's or the whole server's, and return its whole answer.

    Like a call of a client on this machine, it has this machine as its client and its host. So the whole server admits it without
    a key as long as no key exists (see `server.http.authentication`).
    """
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 0))
    # Without a timeout: nothing can be lost within a process, and an answer may take long.
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=None) as client:  # noqa: S113
        return await client.request(method, path, json=body, headers=headers)


async def json_of(app: ASGIApp, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Call an application in this process and return its JSON answer. Raises EngineFailure for any status but 200."""
    response = await request(app, method, path, body)
    if response.status_code != 200:
        raise EngineFailure(f"the engine answered {method} {path} with status {response.status_code}")
    answer: dict[str, Any] = response.json()
    return answer


async def served_model(app: ASGIApp) -> str:
    """Return the name under which the engine serves its model."""
    answer = await json_of(app, "GET", "/v1/models")
    return str(answer["data"][0]["id"])
