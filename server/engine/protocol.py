"""The engine as the rest of the server sees it: an ASGI application that generates, and a way to give it restrictions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import httpx
from starlette.types import ASGIApp

from guard.meaning.anchors import Encode
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
        """Set when the engine has died and will not come back."""
        ...

    @property
    def version(self) -> str:
        """The engine's own version."""
        ...

    @property
    def dead_end(self) -> int:
        """The token id that stands for "nothing is left to say"."""
        ...

    @property
    def vocabulary(self) -> int:
        """The number of token ids a prompt may use."""
        ...

    @property
    def context_length(self) -> int:
        """The number of tokens a prompt and its answer may have."""
        ...

    def tokens(self) -> Vocabulary:
        """Return what each token id says. Takes seconds the first time, for a large vocabulary: call it from a thread."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of token ids, for screening: every reading of it that there is."""
        ...

    def readings(self, text: str) -> Sequence[str]:
        """Return what the model reads in place of `text` where special tokens are typed into it; nothing where there are none.

        Called from threads; takes microseconds for a text without special tokens.
        """
        ...

    def least_tokens(self, text: str) -> int:
        """Return a lower bound of the tokens that `text` is in a prompt, cheaply: above the context length it need not be near.

        Called from threads.
        """
        ...

    async def prepare_words(self, encode: Encode, encoder: str) -> None:
        """Have the word vectors ready that workers need to load restrictions with anchors; `encoder` names what `encode` is.

        Raises what `encode` raises, and OSError.
        """
        ...

    async def load(self, digests: Sequence[str]) -> None:
        """Have every worker load restrictions. Raises EngineFailure unless each of them acknowledges all of them."""
        ...

    async def forget(self, digests: Sequence[str]) -> None:
        """Have every worker drop restrictions from memory."""
        ...

    async def held(self, digests: Sequence[str]) -> Sequence[int]:
        """Return how many of these restrictions each worker holds, by rank. Raises EngineFailure."""
        ...

    async def suppressed(self, names: Sequence[str]) -> Mapping[str, int]:
        """Return and forget how many tokens were suppressed under each name (`guard_id`); those not known are left out.

        Raises EngineFailure.
        """
        ...


OpenEngine = Callable[[Settings], AbstractAsyncContextManager[Engine]]


async def request(app: ASGIApp, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
    """Call an application in this process, the engine's or the whole server's, and return its whole answer.

    The call comes from this machine and names it as its host, as that of a client on this machine does: the whole server admits
    it without a key as long as there are none, and asks for one as soon as there are (see `server.http.authentication`).
    """
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 0))
    # In the same process nothing can be lost on the way: an answer takes as long as it takes.
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=None) as client:  # noqa: S113
        return await client.request(method, path, json=body)


async def json_of(app: ASGIApp, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Call an application in this process and return its JSON answer. Raises EngineFailure for any status but 200."""
    response = await request(app, method, path, body)
    if response.status_code != 200:
        raise EngineFailure(f"the engine answered {response.status_code} on {path}")
    answer: dict[str, Any] = response.json()
    return answer


async def served_model(app: ASGIApp) -> str:
    """Return the name under which the engine serves its model."""
    answer = await json_of(app, "GET", "/v1/models")
    return str(answer["data"][0]["id"])
