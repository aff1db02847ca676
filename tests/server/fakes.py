"""Stand-ins for unit tests of HTTP code: an engine that repeats what it was sent, and an encoder that counts words."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from classifiers.meaning.encoder import Vectors
from guard import Vocabulary
from guard.decoding.cursor import Cursor
from guard.decoding.masks import Masks
from guard.restriction import Restriction
from server.settings import Settings

DEAD_END = 3
SAYS = "tea and cake"
VOCABULARY = Vocabulary.of([b"Mad", b" Mad", b" Hatter", None, b" tea", b" cake"])


class FakeEngine:
    """Answers like vLLM's application, obeys restrictions word by word, and keeps the bodies it was sent.

    What it says is fixed text, but for requests with `allowed_token_ids`: these get the one token of `said` that it prefers among
    those that the restrictions in `folder` leave, or the dead-end token. Without a `folder` it holds restrictions by name alone.
    """

    version = "fake"
    dead_end = DEAD_END
    tells_hits = True
    developer = True
    vocabulary = 100
    ranks = 1
    context_length = 4096

    def __init__(self, said: Vocabulary = VOCABULARY, folder: Path | None = None) -> None:
        self.said = said
        self.folder = folder
        self.prefers: Callable[[Collection[int]], int] = min
        self.restrictions: dict[str, Restriction] = {}
        self.bodies: list[dict[str, Any]] = []
        self.loaded: list[str] = []
        self.obeys = True
        self.asks = True
        self.healthy = True
        self.stop_reason: int | None = None
        self.fails_under_a_grammar: int | None = None
        self.always_fails = False
        # Of the choices asked for under a grammar, by the seeds of their requests: those that fail. None: all.
        self.failing_seeds: set[int] | None = None
        self.says_before_failing = True
        self.cut = 5
        # Seconds per character of an answer, and the answers that are being given.
        self.pace = 0.0
        self.answering = 0
        self.counts: dict[str, int] = {}
        self.dead = asyncio.Event()
        self.app = Starlette(
            routes=[
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
                Route("/v1/completions", self._completion, methods=["POST"]),
                Route("/v1/models", lambda _: JSONResponse({"data": [{"id": "fake"}]})),
                Route("/health", lambda _: Response(status_code=200 if self.healthy else 503)),
                Route("/metrics", lambda _: PlainTextResponse("vllm:fake 1\n")),
                Route("/tokenize", self._tokenize, methods=["POST"]),
            ]
        )

    @property
    def alive(self) -> bool:
        return not self.dead.is_set()

    def tokens(self) -> Vocabulary:
        return self.said

    def enforces(self, schema: Mapping[str, Any]) -> bool:
        return schema.get("type") == "object"

    def decode(self, ids: Sequence[int]) -> str:
        return " ".join(f"token{i}" for i in ids)

    def readings(self, text: str) -> list[str]:
        return [text.replace("<|pad|>", ""), text.replace("<|pad|>", " ")] if "<|pad|>" in text else []

    def least_tokens(self, text: str) -> int:
        return len(text.split())

    async def load(self, digests: Sequence[str]) -> None:
        if self.folder:
            self.restrictions |= {digest: Restriction.load(self.folder, digest) for digest in digests}
        self.loaded += digests

    async def forget(self, digests: Sequence[str]) -> None:
        for digest in digests:
            self.restrictions.pop(digest, None)
        self.loaded = [digest for digest in self.loaded if digest not in digests]

    async def held(self, digests: Sequence[str]) -> list[int]:
        return [len(set(digests) & set(self.loaded))]

    async def suppressed(self, names: Sequence[str]) -> dict[str, int]:
        return {name: self.counts.pop(name) for name in names if name in self.counts}

    def _text(self, body: dict[str, Any]) -> str | None:
        guard = body.get("vllm_xargs", {}).get("guard")
        if guard is None:
            return None if self.asks else SAYS
        if not self.obeys or not guard:
            return SAYS
        return "cake" if set(guard) <= set(self.loaded) else ""

    def token(self, body: dict[str, Any]) -> int:
        """The token that it says after a prompt of token ids."""
        left = set(body["allowed_token_ids"])
        guard = body.get("vllm_xargs", {}).get("guard") or []
        if self.obeys:
            if not set(guard) <= set(self.loaded):
                return DEAD_END
            for digest in guard:
                cursor = Cursor(Masks.of(self.restrictions[digest], self.said), body["prompt"])
                left.difference_update(*(ban.ids.tolist() for ban in cursor.bans()))
        return self.prefers(left) if left else DEAD_END

    def _one_token(self, body: dict[str, Any]) -> dict[str, Any]:
        token = self.token(body)
        stopped = token in body["stop_token_ids"]
        return {
            "text": "" if stopped else self.said.raw[token].decode(),
            "finish_reason": "stop" if stopped else "length",
            "stop_reason": token if stopped else None,
            "token_ids": [token] if body.get("return_token_ids") else None,
        }

    async def _takes_long(self, request: Request, characters: int) -> None:
        """Take time for a whole answer, and give up when the client has left, as vLLM does."""
        self.answering += 1
        try:
            for _ in range(characters):
                await asyncio.sleep(self.pace)
                if await request.is_disconnected():
                    return
        finally:
            self.answering -= 1

    async def _completion(self, request: Request) -> Response:
        return await self._answer(request, "text_completion", lambda text: {"text": text})

    async def _chat(self, request: Request) -> Response:
        return await self._answer(request, "chat.completion", lambda text: {"message": {"role": "assistant", "content": text}})

    async def _tokenize(self, request: Request) -> Response:
        body = await request.json()
        self.bodies.append(body)
        if body.get("model") != "fake":
            error = {"message": "no such model", "type": "NotFoundError", "param": "model", "code": 404}
            return JSONResponse({"error": error}, 404)
        return JSONResponse(
            {"count": len(json.dumps([body["messages"], body.get("tools")])), "max_model_len": 4096, "tokens": []}
        )

    async def _answer(self, request: Request, kind: str, content: Any) -> Response:
        body = await request.json()
        self.bodies.append(body)
        if name := body.get("vllm_xargs", {}).get("guard_id"):
            self.counts[name] = self.counts.get(name, 0) + 2
        text = self._text(body)
        if text is None:
            return JSONResponse({"error": {"message": "guard missing", "type": "x", "param": None, "code": 400}}, 400)
        chat = kind.startswith("chat")
        named = {"id": f"x-{request.headers.get('x-request-id')}", "object": kind, "created": len(self.bodies), "model": "fake"}
        seed = body.get("seed")
        text = text if seed is None else f"{text} {seed}"
        fails = self.failing_seeds is None or seed in self.failing_seeds
        fails = bool(self.fails_under_a_grammar) and fails and (self.always_fails or "response_format" in body)
        error = {"error": {"message": "Internal server error", "code": self.fails_under_a_grammar}}
        if fails and not body.get("stream"):
            return JSONResponse(error, self.fails_under_a_grammar or 500)
        refused = body.get("vllm_xargs", {}).get("guard") == ["refuse"]
        ending = {"finish_reason": "stop", "stop_reason": DEAD_END if refused else self.stop_reason}
        prompts = body.get("prompt", "")
        prompts = prompts if isinstance(prompts, list) and not isinstance(prompts[0], int) else [prompts]
        prompt = sum(len(str(each)) for each in prompts)
        count = len(prompts) * (body.get("n") or 1) if "prompt" in body else 1
        if "allowed_token_ids" in body:
            return JSONResponse({"object": kind, "choices": [{"index": 0, **self._one_token(body)}]})
        if not body.get("stream"):
            if self.pace:
                await self._takes_long(request, len(text))
            said = len(text) * count
            usage = {"prompt_tokens": prompt, "completion_tokens": said, "total_tokens": prompt + said}
            choices = [{"index": index, **content(text), **ending} for index in range(count)]
            return JSONResponse({**named, "choices": choices, "usage": usage})
        options = body.get("stream_options") or {}

        def chunk(choices: list[dict[str, Any]], said: int, told: bool) -> bytes:
            usage = {"prompt_tokens": prompt, "completion_tokens": said, "total_tokens": prompt + said}
            told = told and bool(options.get("include_usage"))
            sent = {**named, "choices": choices} | ({"usage": usage} if told else {})
            return b"data: " + json.dumps(sent, separators=(",", ":")).encode() + b"\n\n"

        async def events() -> AsyncIterator[bytes]:
            said = ("{" if self.says_before_failing else "") if fails else text
            each = bool(options.get("continuous_usage_stats"))
            for at, piece in enumerate(said):
                await asyncio.sleep(self.pace)
                delta = {"delta": {"content": piece}} if chat else {"text": piece}
                for index in range(count):
                    yield chunk([{"index": index, **delta, "logprobs": None, "finish_reason": None}], at + 1, each)
            if fails:
                yield b"data: " + json.dumps(error).encode() + b"\n\n"
            else:
                for index in range(count):
                    yield chunk([{"index": index, **({"delta": {}} if chat else {"text": ""}), **ending}], len(said), each)
                if options.get("include_usage"):
                    yield chunk([], len(said) * count, True)
            yield b"data: [DONE]\n\n"

        async def pieces() -> AsyncIterator[bytes]:
            # vLLM sends whole events; nothing says that it always will.
            self.answering += 1
            try:
                async for event in events():
                    for at in range(0, len(event), self.cut):
                        yield event[at : at + self.cut]
            finally:
                self.answering -= 1

        return StreamingResponse(pieces(), media_type="text/event-stream")


def opener(engine: FakeEngine) -> Any:
    @asynccontextmanager
    async def open_engine(settings: Settings) -> AsyncIterator[FakeEngine]:
        engine.folder = settings.restrictions
        yield engine

    return open_engine


class WordEncoder:
    """Texts with the same words have the same vector; texts without a common word are orthogonal, nearly."""

    dimension = 256
    fingerprint = "words"

    def __init__(self) -> None:
        self.fails = False

    def encode(self, texts: Sequence[str]) -> Vectors:
        if self.fails:
            raise RuntimeError("the encoder broke on a secret prompt")
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                vectors[row, zlib.crc32(word.strip("?.,!").encode()) % self.dimension] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
