"""A fleet of engines behind a router, as one `Engine`.

Each engine is a `vllm serve` with this package's plugin (`server.fleet.plugin`). Through the routes of any front end
(`server.fleet.routes`) it takes the restrictions from the store, and holds a lease there. This process writes to the store what
its policy needs, and waits until every engine that serves has acknowledged it. All that it knows of engines is in the store.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from guard.restriction import SUFFIX
from guard.tokens.vocabulary import Vocabulary
from server.engine.described import Described, Matching
from server.engine.grammars import enforceable
from server.engine.tokenizer import PromptTokenizer, TokenizerMethods
from server.engine.upstream import Upstream
from server.errors import EngineFailure, NotReady
from server.settings import Settings
from server.store import Database, Fleet, LeaseLost, Peers, StoredPeer, StoreError
from server.store.database.location import default_url
from server.store.peers import ENGINE, FRONT

logger = logging.getLogger(__name__)

LEASE_S = 10.0
"""Seconds of a lease, an engine's and a front end's."""
_LOOK_S = 0.02
# Bytes of restrictions in one transaction, and how many: the renewals of leases wait for it.
_BYTES, _MANY = 8 << 20, 256
# Seconds for which a start waits for the first engine, and between two words about it in the log.
_FIRST_S, _WORD_S = 900.0, 30.0


class Engines:
    """The engines of one front end: it opens them as an `Engine`, and tells its routes which of them it can use."""

    def __init__(self) -> None:
        self._matching: Matching | None = None
        self._changed = asyncio.Event()
        self._stop = asyncio.Event()

    async def mismatch(self, engine: Described, serving: Sequence[StoredPeer]) -> str | None:
        """Return why an engine cannot be used beside those that serve, None if it can. Raises NotReady before `open`."""
        if self._matching is None:
            raise NotReady("The server is starting: it has not read the tokenizer yet.")
        one = next((Described.of(peer.about) for peer in serving if peer.about), None)
        return await asyncio.to_thread(self._matching.mismatch, engine, one)

    def changed(self) -> None:
        """Wake those who wait in `wait`: this process has changed what engines are to hold."""
        event, self._changed = self._changed, asyncio.Event()
        event.set()

    async def wait(self, seconds: float) -> None:
        """Wait until this process changes what engines are to hold, at most `seconds`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    def stop(self) -> None:
        """Have a start that waits for an engine give up."""
        self._stop.set()

    @asynccontextmanager
    async def open(self, settings: Settings) -> AsyncIterator[RemoteEngine]:
        """Wait for the first engine that serves, and yield the fleet. An `OpenEngine`.

        Raises:
            ValueError: The tokenizer cannot be read.
            EngineFailure: In a quarter of an hour no engine serves, or the router does not answer; or the server is to stop.
            StoreError: What the store raises.
        """
        assert settings.upstream is not None
        assert settings.tokenizer is not None
        tokenizer = await asyncio.to_thread(read_tokenizer, settings.tokenizer)
        self._matching = Matching(settings.model, tokenizer)
        database = await Database.open(settings.database or default_url(settings.data_dir))
        upstream = Upstream(settings.upstream, settings.upstream_key())
        owner = f"{socket.gethostname()}-{uuid.uuid4().hex[:12]}"
        keeping: asyncio.Task[None] | None = None
        try:
            about = await self._first(database, upstream)
            async with database.write() as session:
                await Peers().register(session, owner, await database.now(session), LEASE_S, kind=FRONT)
            prompts = await asyncio.to_thread(PromptTokenizer, tokenizer, about.context_length)
            engine = RemoteEngine(self, database, upstream, owner, settings, (self._matching, tokenizer, prompts), about)
            keeping = asyncio.create_task(engine.keep(), name="fleet lease")
            yield engine
        finally:
            if keeping:
                keeping.cancel()
                await asyncio.gather(keeping, return_exceptions=True)
                with suppress(StoreError):
                    async with database.write() as session:
                        await Fleet().leave(session, owner, await database.now(session))
                self.changed()
            await upstream.close()
            await database.close()

    async def _first(self, database: Database, upstream: Upstream) -> Described:
        """Wait until an engine serves and the router passes requests on. Return what the engine says of itself."""
        begun = word = time.monotonic()
        missing = "no engine of the fleet serves: look at the logs of the engines"
        while time.monotonic() - begun < _FIRST_S and not self._stop.is_set():
            async with database.read() as session:
                serving = await Peers().living(session, ENGINE, await database.now(session))
            if serving:
                about = Described.of(serving[0].about or {})
                # Another front end let it in. It may have another tokenizer than this one.
                if reason := await self.mismatch(about, []):
                    raise EngineFailure(f"engine {serving[0].instance} cannot be used: {reason}")
                if await upstream.ask("/v1/models"):
                    return about
                missing = "an engine serves, but the router does not answer with status 200: look at its log"
            if time.monotonic() - word > _WORD_S:
                word = time.monotonic()
                logger.warning("still waiting: %s", missing)
            with suppress(TimeoutError):
                async with asyncio.timeout(0.2):
                    await self._stop.wait()
        raise EngineFailure(missing)


class RemoteEngine(TokenizerMethods):
    """The engines behind a router as one `Engine`. `Engines.open` makes it."""

    def __init__(
        self,
        engines: Engines,
        database: Database,
        upstream: Upstream,
        owner: str,
        settings: Settings,
        tokens: tuple[Matching, Any, PromptTokenizer],
        about: Described,
    ) -> None:
        self._engines, self._database, self._upstream, self._owner = engines, database, upstream, owner
        self._folder, self._load_timeout, self._model = settings.restrictions, settings.load_timeout, settings.model
        self._matching, self._tokenizer, self._prompts = tokens
        self._serving = True
        self.app: ASGIApp = self._answer
        self.dead = asyncio.Event()
        self.version = about.vllm
        self.dead_end = about.dead_end
        self.tells_hits = about.dead_end not in about.ends
        self.vocabulary = about.width
        self.context_length = about.context_length
        self.developer = about.developer

    @property
    def ranks(self) -> int:
        """1: the router picks an engine and the engine picks a rank. Each engine has proven its own ranks before it serves."""
        return 1

    @property
    def alive(self) -> bool:
        """Whether the store still knows what this front end needs."""
        return not self.dead.is_set()

    async def keep(self) -> None:
        """Renew the front end's lease for ever, and watch whether an engine serves.

        The store forgets a front end that is silent for a minute, and engines then forget its restrictions: so it counts as dead,
        and `Service.run` starts all anew.
        """
        while True:
            try:
                async with self._database.write(urgent=True) as session:
                    now = await self._database.now(session)
                    await Peers().keep(session, self._owner, now, LEASE_S)
                    await Peers().cut(session, now, LEASE_S, ENGINE)
                    await Fleet().sweep(session, now)
                    self._serving = bool(await Peers().living(session, ENGINE, now))
            except LeaseLost:
                logger.error("the store has forgotten what this front end needs: all is started anew")
                self.dead.set()
                return
            except StoreError as error:
                logger.error("the front end's lease could not be renewed: %s", error)
            await asyncio.sleep(LEASE_S / 4)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request as vLLM's application would: here what concerns the fleet, by an engine all else."""
        path = scope["path"]
        if path == "/health":
            await _say(send, 200 if self._serving and await self._upstream.ask("/health") else 503)
        elif path == "/metrics":
            await _say(send, 200)  # each engine has its own, and so has the router
        else:
            await self._upstream(scope, receive, send)

    def tokens(self) -> Vocabulary:
        """Return the bytes of each token id."""
        return self._matching.vocabulary(self.vocabulary)

    def enforces(self, schema: Mapping[str, Any]) -> bool:
        """Return whether the engines can constrain an answer by a JSON schema, as far as xgrammar here tells."""
        return enforceable(schema)

    async def load(self, digests: Sequence[str]) -> None:
        """Have every engine that serves load restrictions. Raises EngineFailure unless all acknowledge them in time.

        An engine whose lease ends meanwhile says nothing from then on, so nobody waits for it any longer.
        """
        begun, revision = time.monotonic(), 0
        try:
            for some in self._batches(digests):
                async with self._database.write() as session:
                    known = await Fleet().known(session, some)
                    files = await asyncio.to_thread(self._files, [digest for digest in some if digest not in known])
                    revision = await Fleet().require(session, self._owner, some, files)
                self._engines.changed()
            while True:
                async with self._database.read() as session:
                    serving = await Peers().living(session, ENGINE, await self._database.now(session))
                waiting = [peer.instance for peer in serving if peer.snapshot < revision]
                if not waiting:
                    return
                if time.monotonic() - begun > self._load_timeout:
                    named = ", ".join(waiting[:3])
                    raise EngineFailure(f"{len(waiting)} engines did not load restrictions in {self._load_timeout:g} s: {named}")
                await asyncio.sleep(_LOOK_S)
        except (StoreError, OSError) as error:
            raise EngineFailure(f"the engines cannot be told what to load: {error}") from error

    async def forget(self, digests: Sequence[str]) -> None:
        """Have every engine forget restrictions that no other front end needs; they do so in a moment. Raises EngineFailure."""
        try:
            async with self._database.write() as session:
                await Fleet().drop(session, self._owner, digests, await self._database.now(session))
        except StoreError as error:
            raise EngineFailure(f"the engines cannot be told what to forget: {error}") from error
        self._engines.changed()

    async def held(self, digests: Sequence[str]) -> list[int]:
        """Return how many of these restrictions each engine holds that serves. Raises EngineFailure."""
        try:
            async with self._database.read() as session:
                serving = await Peers().living(session, ENGINE, await self._database.now(session))
                return [await Fleet().reached(session, self._owner, digests, peer.snapshot) for peer in serving]
        except StoreError as error:
            raise EngineFailure(f"it is not known what the engines hold: {error}") from error

    async def suppressed(self, names: Sequence[str]) -> dict[str, int]:
        """Return nothing: a router does not tell which engine has answered. Each engine counts for its own metrics."""
        return {}

    def _batches(self, digests: Sequence[str]) -> Iterator[Sequence[str]]:
        some: list[str] = []
        size = 0
        for digest in digests:
            path = self._path(digest)
            more = path.stat().st_size if path.exists() else 0
            if some and (size + more > _BYTES or len(some) >= _MANY):
                yield some
                some, size = [], 0
            some.append(digest)
            size += more
        if some:
            yield some

    def _files(self, digests: Sequence[str]) -> dict[str, bytes]:
        return {digest: self._path(digest).read_bytes() for digest in digests}

    def _path(self, digest: str) -> Path:
        return self._folder / (digest + SUFFIX)


def read_tokenizer(named: str) -> Any:
    """Return a tokenizer from a folder or by its name on the Hugging Face hub. Raises ValueError if it cannot be read."""
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(named)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"--tokenizer: {named} cannot be read ({type(error).__name__}): give the model's own files") from error


async def _say(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
