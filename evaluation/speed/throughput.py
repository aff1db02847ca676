"""Tokens per second on the real engine: under restrictions of every size, without a restriction, and without the guard."""

from __future__ import annotations

import asyncio
import itertools
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from evaluation.baselines.vllm_bad_words import raised_limit
from guard import Phrase, Restriction
from server.engine.vllm import open_vllm, prepare_environment
from server.settings import Settings

PROMPT = 32


@dataclass(frozen=True)
class Effort:
    """How much the engine generates.

    A single request takes long to time, and the goal is not about it, so it has fewer rounds and more tokens.

    Attributes:
        rounds: pairs of runs, by batch size.
        tokens: tokens of each request, by batch size.
        absent: whether to measure an engine without the guard, too.
    """

    rounds: Mapping[int, int]
    tokens: Mapping[int, int]
    absent: bool = True


FULL = Effort({1: 3, 16: 5, 64: 5}, {1: 128, 16: 64, 64: 32})
SMALL = Effort({1: 1, 16: 1, 64: 1}, {1: 8, 16: 4, 64: 4}, absent=False)
ENGINE = (
    *("--dtype", "bfloat16", "--enforce-eager", "--max-model-len", "1024", "--no-enable-prefix-caching"),
    # vLLM would not start where less than nine tenths of the memory is free.
    *("--gpu-memory-utilization", "0.3"),
)


@dataclass
class Throughput:
    """Results for one vocabulary. Ratios are medians of `Effort.rounds[batch]` pairs of runs, one after the other on one engine.

    `ratio[phrases][batch]`: under that many phrases banned in every row / unrestricted. `bad_words[words][batch]`: the same for
    vLLM's own. `unrestricted`, `absent` [batch]: tokens per second without a restriction, and on an engine without the guard's
    processor.
    """

    vocabulary: int
    ratio: dict[int, dict[int, float]] = field(default_factory=dict)
    bad_words: dict[int, dict[int, float]] = field(default_factory=dict)
    unrestricted: dict[int, list[float]] = field(default_factory=dict)
    absent: dict[int, list[float]] = field(default_factory=dict)

    @property
    def idle_ratio(self) -> dict[int, float]:
        """Median with the processor and no restricted row / median without the processor, by batch size; on two engines."""
        return {b: statistics.median(self.unrestricted[b]) / statistics.median(self.absent[b]) for b in self.absent}


async def run(client: Any, prompts: Sequence[list[int]], tokens: int, **params: Any) -> float:
    """Generate `tokens` tokens for each prompt, for all at once; return tokens per second."""
    from vllm import SamplingParams

    async def one(prompt: list[int]) -> None:
        sampling = SamplingParams(max_tokens=tokens, ignore_eos=True, temperature=1.0, detokenize=False, **params)
        async for _ in client.generate({"prompt_token_ids": prompt}, sampling, request_id=f"bench-{next(_IDS)}"):
            pass

    started = time.perf_counter()
    await asyncio.gather(*(one(prompt) for prompt in prompts))
    return len(prompts) * tokens / (time.perf_counter() - started)


_IDS = itertools.count()


def prompts(vocabulary: int, batch: int) -> list[list[int]]:
    """Return `batch` random prompts of ids that are special tokens in no usual vocabulary."""
    rng = random.Random(batch)  # noqa: S311
    return [[rng.randrange(1100, min(vocabulary, 8000)) for _ in range(PROMPT)] for _ in range(batch)]


async def measure(
    model: Path,
    vocabulary: int,
    texts: Callable[[int], Sequence[str]],
    sizes: Sequence[int],
    words: Sequence[int],
    effort: Effort = FULL,
) -> Throughput:
    """Measure one model. `texts(n)` gives n phrases; `words` are the sizes for vLLM's own bad words."""
    result = Throughput(vocabulary)
    if effort.absent:
        async with absent(model) as client:
            await _absent(client, result, effort)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(model=str(model), policy=Path("unused"), data_dir=Path(folder), vllm_args=ENGINE)
        async with open_vllm(settings) as engine:
            digests = {}
            for size in sizes:
                restriction = Restriction.compile([Phrase(text) for text in texts(size)])
                restriction.save(settings.restrictions)
                await engine.load([restriction.digest])
                digests[size] = restriction.digest
            client = engine._client
            for batch, tokens in effort.tokens.items():
                rounds = effort.rounds[batch]
                asked = prompts(vocabulary, batch)
                free = {"extra_args": {"guard": []}}
                for _ in range(2):
                    await run(client, asked, tokens, **free)
                for size in tqdm(sizes, desc=f"{vocabulary} tokens, batch {batch}", file=sys.stderr):
                    held = {"extra_args": {"guard": [digests[size]]}}
                    ratio, rates = await _compare(client, asked, tokens, rounds, free, held)
                    result.ratio.setdefault(size, {})[batch] = ratio
                    result.unrestricted.setdefault(batch, []).extend(rates)
                for count in words:
                    # A word may count twice against vLLM's limit of 128, so raise the limit to hold all words.
                    with raised_limit(2 * count):
                        bad = {**free, "bad_words": list(texts(count))}
                        result.bad_words.setdefault(count, {})[batch] = (
                            await _compare(client, asked, tokens, rounds, free, bad)
                        )[0]
    if effort.absent:
        # Once before and once after, so that a machine that slowed down meanwhile does not count for or against the guard.
        async with absent(model) as client:
            await _absent(client, result, effort)
    return result


async def _compare(
    client: Any, asked: Sequence[list[int]], tokens: int, rounds: int, free: dict[str, Any], held: dict[str, Any]
) -> tuple[float, list[float]]:
    """Return the median ratio of `rounds` pairs of runs, and the tokens per second of the unrestricted ones."""
    pairs = [(await run(client, asked, tokens, **free), await run(client, asked, tokens, **held)) for _ in range(rounds)]
    return statistics.median(b / a for a, b in pairs), [a for a, _ in pairs]


async def _absent(client: Any, result: Throughput, effort: Effort) -> None:
    for batch, tokens in effort.tokens.items():
        asked = prompts(result.vocabulary, batch)
        await run(client, asked, tokens)
        result.absent.setdefault(batch, []).extend([await run(client, asked, tokens) for _ in range(2 * effort.rounds[batch])])


@asynccontextmanager
async def absent(model: Path) -> AsyncIterator[Any]:
    """Start the same engine without the guard and yield its client."""
    prepare_environment()
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.entrypoints.launchers.cli_args import make_arg_parser
    from vllm.utils.argparse_utils import FlexibleArgumentParser
    from vllm.v1.engine.async_llm import AsyncLLM

    args = make_arg_parser(FlexibleArgumentParser()).parse_args(["--model", str(model), *ENGINE])
    client = AsyncLLM.from_vllm_config(AsyncEngineArgs.from_cli_args(args).create_engine_config())
    try:
        yield client
    finally:
        client.shutdown()
