"""A toy engine: it generates greedily from a table of successors, under the guard's reference on strings, and answers as vLLM.

It knows both routes, choices, streams, token ids, log probabilities, stop strings and hits. Choice k begins with the k-th best
token.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Receive, Scope, Send

from guard.phrase import Phrase
from guard.reference import penalty
from guard.tokens.vocabulary import Vocabulary
from tests.server.answers.conftest import events

DEAD_END = 0
END = 1


@dataclass
class Toy:
    """A toy engine.

    Attributes:
        words: What each token says; the dead end and the end say nothing.
        successors: The tokens that may follow each token, the likeliest first. After the prompt comes what follows the dead end.
        phrases: The phrases of each restriction, by digest.
        together: How many tokens each event of a stream has.
    """

    words: Sequence[str]
    successors: Mapping[int, Sequence[int]]
    phrases: Mapping[str, Sequence[Phrase]]
    together: int = 1
    bodies: list[dict[str, Any]] = field(default_factory=list)
    context: int = 64

    @property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary.of([None, None, *(word.encode() for word in self.words[2:])])

    def text(self, ids: Sequence[int]) -> str:
        return "".join(self.words[token] for token in ids if token > END)

    def _bans(self, body: Mapping[str, Any], said: Sequence[int], token: int) -> bool:
        phrases = [phrase for digest in body["vllm_xargs"]["guard"] for phrase in self.phrases.get(digest, ())]
        raw = [self.words[each].encode() for each in said if each > END]
        return token > END and penalty(phrases, raw, self.words[token].encode()) > 0

    def generated(self, body: Mapping[str, Any], prompt: Sequence[int], choice: int) -> Iterator[tuple[int, str | None]]:
        """Yield each token of a choice, the last one with the reason why it is the last."""
        arguments = body["vllm_xargs"]
        said: list[int] = []
        kept = [token for token in prompt if token > END]
        while True:
            last = said[-1] if said else (kept[-1] if kept else DEAD_END)
            ranked = [*self.successors.get(last, ()), END]
            if choice and not said and not kept:
                ranked = ranked[choice % len(ranked) :] + ranked[: choice % len(ranked)]
            first = not said
            banned = [token for token in ranked if self._bans(body, [*kept, *said], token)]
            if first:
                banned += [token for token in ranked if token in arguments.get("guard_avoid", ())]
            signals = arguments.get("guard_hits") and not (first and "guard_avoid" in arguments)
            free = [token for token in ranked if token not in banned]
            token = DEAD_END if arguments["guard"] == ["refuse"] or not free or (signals and ranked[0] in banned) else free[0]
            said.append(token)
            stops = [stop for stop in body.get("stop") or () if stop in self.text(said)]
            if token in (DEAD_END, END) or stops:
                yield token, "stop"
                return
            if len(said) == body["max_tokens"]:
                yield token, "length"
                return
            yield token, None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = json.loads((await receive())["body"])
        self.bodies.append(body)
        chat = scope["path"].endswith("chat/completions")
        prompt = [DEAD_END] if chat else list(body["prompt"])
        choices = [list(self.generated(body, prompt, choice)) for choice in range(body.get("n") or 1)]
        if not body.get("stream"):
            wholes = [self._choice(body, chat, at, said, stream=False) for at, said in enumerate(choices)]
            whole: dict[str, Any] = {"id": "x", "created": 1, "model": "toy", "choices": wholes}
            if chat:
                whole["prompt_token_ids"] = prompt
            whole["usage"] = self._usage(prompt, choices)
            await self._send(send, json.dumps(whole).encode(), "application/json")
            return
        named = {"id": "x", "created": 1, "model": "toy"}
        bodies: list[Mapping[str, Any]] = []
        if chat:
            for at in range(len(choices)):
                opened = {"index": at, "delta": {"role": "assistant", "content": ""}, "logprobs": None, "finish_reason": None}
                bodies.append({**named, "choices": [opened], "prompt_token_ids": prompt})
        for start in range(0, max(map(len, choices)), self.together):
            for at, said in enumerate(choices):
                if part := said[start : start + self.together]:
                    bodies.append({**named, "choices": [self._choice(body, chat, at, part, stream=True, first=start == 0)]})
        if (body.get("stream_options") or {}).get("include_usage"):
            bodies.append({**named, "choices": [], "usage": self._usage(prompt, choices)})
        await self._send(send, events(*bodies), "text/event-stream")

    def _choice(
        self,
        body: Mapping[str, Any],
        chat: bool,
        at: int,
        said: Sequence[tuple[int, str | None]],
        *,
        stream: bool,
        first: bool = True,
    ) -> dict[str, Any]:
        ids = [token for token, _ in said]
        text, finish = self.text(ids), said[-1][1]
        for stop in body.get("stop") or ():
            if not stream or finish:
                text = text.split(stop)[0]
        choice: dict[str, Any] = {"index": at, "finish_reason": finish, "token_ids": ids, "logprobs": None}
        if finish == "stop":
            choice["stop_reason"] = DEAD_END if ids[-1] == DEAD_END else None
        if chat:
            choice["delta" if stream else "message"] = {"content": text} if stream else {"role": "assistant", "content": text}
        else:
            choice["text"] = text
        if body.get("logprobs") is not None and body["logprobs"] is not False:
            words = [self.words[token] for token in ids]
            if chat:
                choice["logprobs"] = {
                    "content": [
                        {"token": word, "logprob": -1.0, "bytes": list(word.encode()), "top_logprobs": []} for word in words
                    ]
                }
            else:
                offsets = [sum(map(len, words[:n])) for n in range(len(words))]
                choice["logprobs"] = {
                    "tokens": words, "token_logprobs": [-1.0] * len(words), "text_offset": offsets,
                    "top_logprobs": [{word: -1.0} for word in words],
                }  # fmt: skip
        if not chat and first:
            choice["prompt_token_ids"] = body["prompt"]
        return choice

    def _usage(self, prompt: Sequence[int], choices: Sequence[Sequence[Any]]) -> dict[str, int]:
        said = sum(map(len, choices))
        return {"prompt_tokens": len(prompt), "completion_tokens": said, "total_tokens": len(prompt) + said}

    async def _send(self, send: Send, data: bytes, media_type: str) -> None:
        headers = [(b"content-type", media_type.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": data, "more_body": False})
