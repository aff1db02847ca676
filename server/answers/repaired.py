"""Repaired answers: the step of the answer pipeline that has each choice repaired, streamed or whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import replace
from typing import Any

from server.answers.chunk import Chunk, Chunks, Piece
from server.answers.continuation import continued, scored, top
from server.answers.merged import Merged
from server.answers.repair import Again, Repair, State
from server.answers.reply import Reply, only
from server.errors import EngineFailure

Body = Mapping[str, Any]
Continue = Callable[[Body, str], AbstractAsyncContextManager[Reply]]
"""Sends the body of a continuation to the engine, with a suffix for its request id, and yields the reply."""


class Repaired:
    """Repairs the choices of one answer, as a step of the pipeline (`server.answers.chunk.Step`)."""

    def __init__(self, repair: Repair, body: Body, ask: Continue, context: int, *, streams: bool, prompts: int = 1) -> None:
        """Repair the answer to a request.

        Args:
            repair: Says what becomes of each choice.
            body: The request, as the engine got it.
            ask: Asks the engine to continue a choice.
            context: The number of tokens of the model's context.
            streams: Whether the answer is streamed.
            prompts: The number of prompts of the request.
        """
        self._repair = repair
        self._body = body
        self._ask = ask
        self._context = context
        self._streams = streams
        self._per_prompt = int(body.get("n") or 1)
        self._choices = self._per_prompt * prompts
        self._states: dict[int, State] = {}
        self._prompts: dict[int, Sequence[int]] = {}
        self._calls = 0

    def __call__(self, chunks: Chunks) -> Chunks:
        """Yield the chunks of the repaired answer. Raises what the engine's calls raise."""
        return self._streamed(chunks) if self._streams else self._whole(chunks)

    async def _whole(self, chunks: Chunks) -> Chunks:
        chunk = await only(chunks)
        self._learn(chunk)
        pieces = await asyncio.gather(*(self._finished(chunk, piece) for piece in chunk.pieces))
        body = {**chunk.form.public(chunk.body)}
        if chunk.usage is not None and self._changed:
            body["usage"] = self._usage(chunk.usage)
        yield chunk.with_body(chunk.form.write(body, pieces))

    async def _finished(self, chunk: Chunk, piece: Piece) -> Piece:
        """Return the whole of one choice, however often it had to go back."""
        state = self._state(piece.choice)
        pieces, again = await self._repair.take(state, piece)
        while again:
            async with self._ask(*self._call(again)) as reply:
                (more,) = (await only(reply.answered)).pieces
            own, again = await self._repair.take(state, self._adopted(chunk, more, state))
            pieces += own
        return chunk.form.joined(pieces)

    async def _streamed(self, chunks: Chunks) -> Chunks:
        merged: Merged[tuple[int, int] | None, Chunk] = Merged()
        merged.add(None, chunks)
        goes_on: dict[int, tuple[int, int]] = {}
        cut_short: set[int] = set()
        first: Chunk | None = None
        counted: Chunk | None = None
        async with aclosing(merged.items()) as items:
            async for key, chunk in items:
                if chunk.error is not None:
                    yield chunk
                    return
                if not chunk.pieces:
                    counted = counted if key else chunk
                    continue
                first = first or chunk
                self._learn(chunk)
                leaving: list[Piece] = []
                for piece in chunk.pieces:
                    if key is None and piece.choice in goes_on:
                        continue  # the engine has ended this choice already
                    choice = piece.choice if key is None else key[0]
                    state = self._state(choice)
                    if key is not None:
                        piece = self._adopted(first, piece, state)
                    own, again = await self._repair.take(state, piece)
                    leaving += own
                    if again:
                        goes_on[choice] = (choice, self._calls)
                        merged.add(goes_on[choice], self._answers(again))
                    elif state.done and piece.finish_reason is None:
                        cut_short.add(choice)
                        if key is not None:
                            await merged.drop(key)
                for one in leaving:
                    # One choice per chunk, as vLLM sends them: clients read the first one alone.
                    yield self._chunk(first, chunk, key, one)
                if cut_short and len(cut_short | goes_on.keys()) == self._choices:
                    await merged.drop(None)
        if counted is not None and counted.usage and self._changed:
            yield counted.with_body({**counted.body, "usage": self._usage(counted.usage)})
        elif counted is not None:
            yield counted
        elif cut_short and first is not None and (self._body.get("stream_options") or {}).get("include_usage"):
            # The engine was stopped before it told the usage.
            prompts = sum(len(ids) for choice, ids in self._prompts.items() if not choice % self._per_prompt)
            yield first.with_body({**_identity(first), "choices": [], "usage": self._usage({"prompt_tokens": prompts})})

    def _chunk(self, first: Chunk, chunk: Chunk, key: object, piece: Piece) -> Chunk:
        if key is None:
            return chunk.with_body(chunk.form.write(chunk.form.public(chunk.body), [piece]))
        body = _identity(first)
        if first.usage is not None:
            said = self._said(piece.choice)
            prompt = len(self._prompts.get(piece.choice, ()))
            body["usage"] = {"prompt_tokens": prompt, "completion_tokens": said, "total_tokens": prompt + said}
        return first.with_body(first.form.write(body, [piece]))

    async def _answers(self, again: Again) -> AsyncIterator[Chunk]:
        async with self._ask(*self._call(again)) as reply:
            if not reply.streams:
                raise EngineFailure(f"the engine answered the continuation of a stream with status {reply.status}")
            async for chunk in reply.answered:
                yield chunk

    def _call(self, again: Again) -> tuple[Body, str]:
        """Return the body of the next call for a choice, and a suffix that no other call for the request has."""
        self._calls += 1
        prompt = self._prompts.get(again.choice)
        if prompt is None:
            raise EngineFailure("the engine did not tell the token ids of the prompt, so an answer could not be continued")
        return continued(self._body, prompt, again, self._context), f"-again{self._calls}"

    def _adopted(self, first: Chunk, piece: Piece, state: State) -> Piece:
        like = state.track.like
        assert like is not None
        scores = (piece.raw.get("logprobs") or {}).get("token_logprobs") or ()
        state.scores.update({len(state.track.ids) + at: score for at, score in enumerate(scores) if score is not None})
        if not scored(self._body):
            piece = replace(piece, raw={**piece.raw, "logprobs": None})
        return first.form.adopted(piece, like, len(state.track.text), top(self._body))

    def _state(self, choice: int) -> State:
        if choice not in self._states:
            self._states[choice] = self._repair.begin()
        return self._states[choice]

    def _learn(self, chunk: Chunk) -> None:
        """Keep the token ids of the prompts, which the engine tells in its first chunks."""
        for piece in chunk.pieces:
            if piece.choice not in self._prompts and (ids := chunk.form.prompt(chunk.body, piece.choice)) is not None:
                self._prompts[piece.choice] = ids

    @property
    def _changed(self) -> bool:
        return self._calls > 0 or any(state.track.dropped or state.hit for state in self._states.values())

    def _said(self, choice: int) -> int:
        """Return the number of tokens that were generated for a choice, without dead ends."""
        track = self._state(choice).track
        return len(track.ids) + track.dropped

    def _usage(self, usage: Mapping[str, Any]) -> dict[str, Any]:
        """Return the usage of all calls.

        The prompt counts once. As OpenAI's API has it for tokens that an answer does not show (`rejected_prediction_tokens`),
        tokens that were generated and dropped count among the completion's.
        """
        said = sum(self._said(choice) for choice in self._states)
        dropped = sum(state.track.dropped for state in self._states.values())
        counted = {**usage, "completion_tokens": said, "total_tokens": usage["prompt_tokens"] + said}
        if dropped:
            details = usage.get("completion_tokens_details") or {}
            counted["completion_tokens_details"] = {**details, "rejected_prediction_tokens": dropped}
        return counted


def _identity(first: Chunk) -> dict[str, Any]:
    """Return what all chunks of an answer have in common with the first one: its id, its time and its model."""
    return {name: value for name, value in first.form.public(first.body).items() if name not in ("choices", "usage")}
