"""The startup proof: before the server is ready, the engine must show that it obeys the guard, whatever model it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from guard.restriction import SUFFIX
from server.engine.probes import Probe, choose
from server.engine.protocol import RANK, Engine, request
from server.errors import GuardFailure

_UNKNOWN = "0" * 64
_PROCESSOR = "guard.processors.vllm.processor:GuardLogitsProcessor"


@dataclass(frozen=True, slots=True)
class _Said:
    """An answer of the engine. `probe` is its token if that is one of the probes."""

    ids: Sequence[int]
    text: str
    finish_reason: Any
    stop_reason: Any
    probe: Probe | None

    def ended(self, dead_end: int) -> bool:
        """Return whether the answer is a dead end: it has no token but `dead_end`, no text, and `dead_end` as its stop reason."""
        return list(self.ids) == [dead_end] and self.text == "" and self.stop_reason == dead_end

    def __str__(self) -> str:
        said = f"it said {self.probe}" if self.probe else f"it said token ids {list(self.ids)}, text {self.text!r}"
        return f"{said}, with finish_reason {self.finish_reason!r} and stop_reason {self.stop_reason!r}"


class _Proof:
    """The requests of one proof on one rank of an engine, and the answers that it expects."""

    def __init__(self, engine: Engine, model: str, probes: Sequence[Probe], rank: int) -> None:
        self._engine = engine
        self._headers = {RANK: str(rank)} if engine.ranks > 1 else None
        self._probes = {probe.token: probe for probe in probes}
        self._allowed = " or ".join(map(str, probes))
        # One token, which must be a probe: it does not matter what the model would prefer.
        self._body: dict[str, Any] = {
            "model": model,
            "prompt": [probes[0].token],
            "allowed_token_ids": [probe.token for probe in probes],
            "max_tokens": 1,
            "temperature": 0,
            "ignore_eos": True,
            "stop_token_ids": [engine.dead_end],
            # The proof compares ids, because a detokenizer may change the text of a token at the beginning of an answer.
            "return_token_ids": True,
        }

    async def _post(self, body: dict[str, Any]) -> httpx.Response:
        return await request(self._engine.app, "POST", "/v1/completions", body, self._headers)

    async def _ask(self, guard: Sequence[str], purpose: str) -> _Said:
        body = self._body | {"vllm_xargs": {"guard": list(guard)}}
        response = await self._post(body)
        if response.status_code != 200:
            # The request has no text of a client, so the message may show the answer.
            raise GuardFailure(
                f"startup proof, {purpose}: the engine should have answered with status 200, but it answered "
                f"{response.status_code}: {response.text[:300]}. The request was for one token of {self._allowed}. Check that "
                "the model generates text and that the arguments after -- do not keep vLLM from answering /v1/completions."
            )
        choice = response.json()["choices"][0]
        ids = choice.get("token_ids") or []
        probe = self._probes.get(ids[0]) if len(ids) == 1 else None
        return _Said(ids, choice["text"], choice.get("finish_reason"), choice.get("stop_reason"), probe)

    async def free(self) -> Probe:
        """Return the probe that the model prefers. Raises GuardFailure if the engine says anything else."""
        said = await self._ask([], "without a restriction")
        if said.probe is None:
            raise GuardFailure(
                f"startup proof: without a restriction the engine should have said {self._allowed}, because the request allowed "
                f"nothing else, but {said}. The engine does not obey allowed_token_ids or return_token_ids, so it cannot be "
                "tested. Run the version of vLLM that requirements/ names."
            )
        return said.probe

    async def banned(self, banned: Probe, other: Probe) -> None:
        """Show that the engine says the `other` probe if the one that it prefers is banned. Raises GuardFailure if not."""
        said = await self._ask([banned.restriction.digest], "under a restriction")
        if said.probe == other:
            return
        expected = f"startup proof: under a restriction of {banned} the engine should have said {other}, but {said}. "
        if said.probe == banned:
            raise GuardFailure(expected + _not_live())
        raise GuardFailure(
            expected
            + "The guard bans more than the restriction names, or something else changes the logits. Check that engine and "
            "server read the same tokenizer, and that the arguments after -- add no other logits processor."
        )

    async def dead_end(self) -> None:
        """Show that the engine says nothing if all probes are banned. Raises GuardFailure if it says anything."""
        said = await self._ask([probe.restriction.digest for probe in self._probes.values()], "with everything banned")
        if said.ended(self._engine.dead_end):
            return
        expected = (
            f"startup proof: with {self._allowed} banned and nothing else allowed the engine should have said nothing and "
            f"stopped with stop_reason {self._engine.dead_end}, the dead-end token, but {said}. "
        )
        if said.probe:
            raise GuardFailure(expected + _not_live())
        raise GuardFailure(
            expected
            + "An answer for which no token is left does not end, so the engine would invent a token. Run the version of vLLM "
            "that requirements/ names, and check that engine and server read the same tokenizer."
        )

    async def no_argument(self) -> None:
        """Show that the engine refuses a request without a guard argument. Raises GuardFailure if it does not."""
        response = await self._post(self._body)
        # The engine answered the same request with the argument, so a 400 can have no other cause.
        if response.status_code != 400:
            raise GuardFailure(
                "startup proof: the engine should have refused a request without a guard argument with status 400, but answered "
                f"{response.status_code} to a request for one token of {self._allowed}. It would also answer requests that "
                f"no guard has screened. Check that vLLM validates requests with the guard's processor, {_PROCESSOR}."
            )

    async def unknown(self) -> None:
        """Show that the engine says nothing under an unknown restriction. Raises GuardFailure if it says anything."""
        said = await self._ask([_UNKNOWN], "under an unknown restriction")
        if not said.ended(self._engine.dead_end):
            raise GuardFailure(
                "startup proof: under an unknown restriction the engine should have said nothing and stopped with stop_reason "
                f"{self._engine.dead_end}, the dead-end token, but {said}. It would also ignore a restriction that was lost. "
                f"Check that vLLM runs the guard's processor of this version, {_PROCESSOR}."
            )


def _not_live() -> str:
    return (
        "The restriction does not change the engine's answer: the logits processor is not live, and nothing would be forgotten. "
        f"Check that vLLM loads {_PROCESSOR}, and that it runs the version that requirements/ names."
    )


async def prove(engine: Engine, folder: Path, model: str) -> None:
    """Show that the live engine obeys a restriction, and says nothing without a guard argument or under an unknown restriction.

    The proof works with any model, because each request allows only two tokens of the engine's vocabulary.

    1. Without a restriction the engine says one of the two. Under a restriction of that one it says the other.
    2. Under restrictions of both it says nothing and reports a dead end.
    3. It refuses the same request without a guard argument.
    4. It says nothing under an unknown restriction.

    If the vocabulary has no two such tokens, one token is enough for all but the second half of 1. Each data-parallel rank of the
    engine has to show all of it.

    Args:
        engine: The engine.
        folder: The folder of restrictions. The proof stores its own there, loads them into the engine, and always removes them
            from both at the end.
        model: The name under which the engine serves its model.

    Raises:
        GuardFailure: The engine does not obey. The message says what was expected, what happened and what to do. If there are
            several ranks, it names the rank.
        EngineFailure: What `engine.load` and `engine.forget` raise.
    """
    # Both take seconds if the vocabulary is large.
    vocabulary = await asyncio.to_thread(engine.tokens)
    probes = await asyncio.to_thread(choose, vocabulary, engine.dead_end, engine.vocabulary)
    restrictions = [probe.restriction for probe in probes]
    digests = [restriction.digest for restriction in restrictions]
    try:
        for restriction in restrictions:
            restriction.save(folder)
        await engine.load(digests)
        for rank in range(engine.ranks):
            with _on(engine, rank):
                proof = _Proof(engine, model, probes, rank)
                preferred = await proof.free()
                for other in probes:
                    if other != preferred:
                        await proof.banned(preferred, other)
                await proof.dead_end()
    finally:
        try:
            await engine.forget(digests)
        finally:
            for digest in digests:
                (folder / (digest + SUFFIX)).unlink(missing_ok=True)
    for rank in range(engine.ranks):
        with _on(engine, rank):
            proof = _Proof(engine, model, probes, rank)
            await proof.no_argument()
            await proof.unknown()


@contextmanager
def _on(engine: Engine, rank: int) -> Iterator[None]:
    """Name the rank in what fails, if there are several."""
    try:
        yield
    except GuardFailure as error:
        raise GuardFailure(f"data-parallel rank {rank}: {error}" if engine.ranks > 1 else str(error)) from error
