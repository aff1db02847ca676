"""Ten thousand answers at temperature 1.5 under a thousand bans of the model's own words.

Run it with `python -m evaluation.soundness.sample`.

Nothing heavy is imported before `main`, because vLLM's workers import this module again (see `server.cli.main`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evaluation.demo import Demo
    from guard import Phrase

TEMPERATURE = 1.5
AT_ONCE = 64


def frequent_phrases(demo: Demo, count: int, seed: int = 0) -> list[Phrase]:
    """Return the `count` most frequent runs of one to three words in the demo's answers as phrases, of random scope and match."""
    from guard import Phrase, fold

    spoken = [fold(pair.answer).split() for pair in demo.pairs]
    runs = Counter(" ".join(said[at : at + size]) for said in spoken for size in (1, 2, 3) for at in range(len(said) - size + 1))
    rng = random.Random(seed)  # noqa: S311
    kinds = ("word", "word", "prefix", "substring")
    # Bans on very short ones would leave the model little to say.
    texts = [text for text, _ in runs.most_common() if len(text) >= 4][:count]
    return [Phrase(text, rng.choice(("always", "gated")), rng.choice(kinds), force=True) for text in texts]  # type: ignore[arg-type]


def leaks(phrases: Sequence[Phrase], answers: Sequence[str]) -> list[tuple[str, str]]:
    """Return (phrase, answer) for every phrase that occurs in an answer, as words or as letters without spaces."""
    from guard.reference import folded_stream, occurrences

    folded = [folded_stream([answer.encode()]) for answer in answers]
    letters = [text.replace(" ", "") for text in folded]
    # The letters first: one search in a string rules out nearly all pairs.
    return [
        (phrase.text, answer)
        for phrase in phrases
        for answer, text, bare in zip(answers, folded, letters, strict=True)
        if phrase.reached.replace(" ", "").replace(".", "") in bare and occurrences(phrase, text)
    ]


async def sample(count: int) -> dict[str, Any]:
    """Return how many answers hold a phrase: of `count` with the guard, and of one to each question without it."""
    from tqdm import tqdm

    from evaluation.demo import load_demo
    from evaluation.demo.served import demo_model
    from evaluation.demo.server import demo_server
    from guard import Restriction
    from server.engine.protocol import json_of

    demo = load_demo()
    phrases = frequent_phrases(demo, 1000)
    restriction = Restriction.compile(phrases)
    async with demo_server(demo_model()) as app:
        service = app.state.service
        engine = service.running.engine
        restriction.save(service.settings.restrictions)
        await engine.load([restriction.digest])
        slots = asyncio.Semaphore(AT_ONCE)
        progress = tqdm(total=count, desc="answers", file=sys.stderr)

        async def ask(k: int, guard: list[str]) -> tuple[str, int]:
            body = {
                "model": service.running.model,
                "messages": [{"role": "user", "content": demo.pairs[k % len(demo.pairs)].question}],
                "temperature": TEMPERATURE,
                "max_tokens": 40,
                "vllm_xargs": {"guard": guard},
                "stop_token_ids": [engine.dead_end],
            }
            async with slots:
                answer = await json_of(engine.app, "POST", "/v1/chat/completions", body)
            progress.update()
            return answer["choices"][0]["message"]["content"] or "", answer["usage"]["completion_tokens"]

        guarded = await asyncio.gather(*(ask(k, [restriction.digest]) for k in range(count)))
        free = await asyncio.gather(*(ask(k, []) for k in range(len(demo.pairs))))
    said = [text for text, _ in guarded]
    return {
        "phrases": len(phrases),
        "temperature": TEMPERATURE,
        "answers": len(said),
        "tokens": sum(tokens for _, tokens in guarded),
        "distinct_answers": len(set(said)),
        "answers_with_a_phrase": len({answer for _, answer in leaks(phrases, said)}),
        "unguarded_answers": len(free),
        "unguarded_answers_with_a_phrase": len({answer for _, answer in leaks(phrases, [text for text, _ in free])}),
    }


def main() -> None:
    """Sample and print the figures as JSON; also write them to `--out`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=int, default=10_000, help="number of answers with the guard")
    parser.add_argument("--out", type=Path, help="file for the figures")
    options = parser.parse_args()
    figures = asyncio.run(sample(options.answers))
    print(json.dumps(figures, indent=2))
    if options.out:
        options.out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
