"""The startup proof: before the server is ready, the guard must be seen to work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from guard.folding import fold
from guard.phrase import Phrase
from guard.restriction import SUFFIX, Restriction
from server.engine.protocol import Engine, json_of, request
from server.errors import GuardFailure

# Any model continues one of these with a word.
_PROMPTS = ("Hello", "The name of the", "1 2 3 4 5", "a")
_TOKENS = 12
_UNKNOWN = "0" * 64


def _body(model: str, prompt: str, dead_end: int, guard: list[str] | None) -> dict[str, Any]:
    body: dict[str, Any] = {"model": model, "prompt": prompt, "max_tokens": _TOKENS, "temperature": 0, "ignore_eos": True}
    if guard is not None:
        body |= {"vllm_xargs": {"guard": guard}, "stop_token_ids": [dead_end]}
    return body


async def prove(engine: Engine, folder: Path, model: str) -> None:
    """Show that the live engine obeys a restriction and generates nothing without one it knows.

    1. A greedy answer changes, and loses its first word, under a restriction that names this word.
    2. A request without a guard argument is refused.
    3. A request that names an unknown restriction is answered with nothing.

    Raises GuardFailure saying which of them does not hold.
    """

    async def answer(prompt: str, guard: list[str]) -> str:
        answer = await json_of(engine.app, "POST", "/v1/completions", _body(model, prompt, engine.dead_end, guard))
        return str(answer["choices"][0]["text"])

    for prompt in _PROMPTS:
        free = await answer(prompt, [])
        if words := fold(free).split():
            break
    else:
        raise GuardFailure("canary: the model says nothing that could be restricted")
    canary = Restriction.compile([Phrase(words[0], match="substring")])
    canary.save(folder)
    try:
        await engine.load([canary.digest])
        guarded = await answer(prompt, [canary.digest])
    finally:
        await engine.forget([canary.digest])
        (folder / (canary.digest + SUFFIX)).unlink(missing_ok=True)
    if guarded == free or words[0] in fold(guarded):
        raise GuardFailure("canary: a restriction did not change the engine's answer; the logits processor is not live")
    response = await request(engine.app, "POST", "/v1/completions", _body(model, prompt, engine.dead_end, None))
    if response.status_code != 400:
        raise GuardFailure(f"canary: a request without a guard argument was answered with {response.status_code}, not 400")
    if said := await answer(prompt, [_UNKNOWN]):
        raise GuardFailure(f"canary: {len(said)} characters were generated under an unknown restriction")
