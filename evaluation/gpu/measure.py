"""Steps with the guard and without it, in turn, for several batches, with draft tokens and without."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from evaluation.gpu.shape import SMALL as SMALL_SHAPE
from evaluation.gpu.shape import Shape
from guard.decoding.library import Library
from guard.phrase import Phrase
from guard.restriction import SUFFIX, Restriction

DRAFTS = 3
FULL_SHAPE = Shape()


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    shape: Shape = FULL_SHAPE
    phrases: int = 100_000
    batches: tuple[int, ...] = (1, 64, 256)
    steps: int = 150
    rounds: int = 2


SMALL = Effort(SMALL_SHAPE, phrases=200, batches=(2,), steps=5, rounds=1)


def prepare(effort: Effort, folder: Path) -> None:
    """Write the restriction, and the texts that the sequences say: parts of a novel with beginnings of phrases, as token ids."""
    from evaluation.baselines.models import tekken_tokenizer
    from evaluation.baselines.phrases import phrases
    from evaluation.speed import steps
    from evaluation.speed.decoding import spoken

    tokenizer = tekken_tokenizer()
    begun = [tokenizer.encode(" " + phrase, add_special_tokens=False) for phrase in phrases(effort.phrases)[:2000]]
    length = (effort.steps + 40) * (1 + DRAFTS) + DRAFTS + 1
    walked = steps.walks(tokenizer.encode(spoken(), add_special_tokens=False), begun, max(effort.batches), steps=length)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "texts.npy", np.array(walked, np.int32))
    restriction = Restriction.compile([Phrase(phrase, force=True) for phrase in phrases(effort.phrases)])
    restriction.save(folder)


def measure(effort: Effort, prepared: Path | None = None, tekken: Path | None = None) -> dict[str, Any]:
    """Measure all batches, and return the figures; without a GPU only in the small form.

    Args:
        effort: How much.
        prepared: A folder that `prepare` wrote.
        tekken: The tokenizer's file.
    """
    cuda = torch.cuda.is_available()
    if not cuda and effort.shape != SMALL_SHAPE:
        return {"device": "none", "measured": False}
    device = torch.device("cuda" if cuda else "cpu")
    with tempfile.TemporaryDirectory() as temporary:
        if prepared is None:
            prepared = Path(temporary)
            prepare(effort, prepared)
        walks = np.load(prepared / "texts.npy")
        digest = next(prepared.glob(f"*{SUFFIX}")).name.removesuffix(SUFFIX)
        library = Library(prepared, _vocabulary(tekken, effort.shape.vocabulary))
        library.masks(digest)
        rows = [
            {"batch": batch, "drafts": drafts, **_compared(effort, walks[:batch], drafts, library, digest, device)}
            for batch in effort.batches
            for drafts in (0, DRAFTS)
        ]
    name = torch.cuda.get_device_name() if cuda else "cpu"
    return {"device": name, "measured": True, "phrases": effort.phrases, "shape": dataclasses.asdict(effort.shape), "rows": rows}


def _compared(
    effort: Effort, walks: np.ndarray[Any, Any], drafts: int, library: Any, digest: str, device: torch.device
) -> dict[str, Any]:
    from evaluation.gpu.loop import Loop
    from evaluation.gpu.shape import Decoder

    batch = len(walks)
    decoder = Decoder(effort.shape, batch, batch * (drafts + 1), device)
    found: dict[str, list[Any]] = {"plain": [], "guard": [], "hits": []}
    for _ in range(effort.rounds):
        for kind, times in found.items():
            loop = Loop(decoder, walks.tolist(), drafts, device, effort.shape.vocabulary)
            processor = None if kind == "plain" else _processor(loop, drafts, library, digest, hits=kind == "hits")
            times.append(dataclasses.asdict(loop.run(processor, effort.steps)))
    wrong = 0
    for hits in (False, True):
        loop = Loop(decoder, walks.tolist(), drafts, device, effort.shape.vocabulary)
        processor = _processor(loop, drafts, library, digest, hits=hits)
        loop.run(processor, effort.steps)
        wrong += loop.wrong(processor, library.masks(digest), hits=hits)
    best = {kind: min(times, key=lambda one: one["p50"]) for kind, times in found.items()}
    ratios = {kind: best["plain"]["p50"] / best[kind]["p50"] for kind in ("guard", "hits")}
    return {
        "wrong_rows": wrong,
        "times": found,
        "ratio": ratios,
        "host_ms": {kind: best[kind]["host_p50"] for kind in ("guard", "hits")},
    }


def _processor(loop: Any, drafts: int, library: Any, digest: str, *, hits: bool) -> Any:
    """Return the guard's processor with a request under the restriction in each slot."""
    from guard.processors.vllm.counts import Counts
    from guard.processors.vllm.gate import Gate
    from guard.processors.vllm.requests import Requests
    from guard.processors.vllm.v2 import V2LogitsProcessor

    speculative = SimpleNamespace(num_speculative_tokens=drafts, rejection_sample_method="standard") if drafts else None
    config: Any = SimpleNamespace(speculative_config=speculative, model_config=SimpleNamespace())
    processor = V2LogitsProcessor(config, loop.states, Requests(library, 0, loop.states.vocab_size, Counts(), Gate(alone=True)))
    processor.history.drafts = loop.draft_tokens if drafts else None
    for slot in range(loop.states.max_num_reqs):
        # Hits are looked for and counted, as a server asks for it; without them only the bans act.
        asked = {"guard_hits": 1, "guard_id": f"slot-{slot}"} if hits else {}
        extra = {"guard": [digest], **asked}
        params: Any = SimpleNamespace(
            extra_args=extra, structured_outputs=None, allowed_token_ids=None, bad_words=None, min_tokens=0,
            eos_token_id=None, stop_token_ids=[],
        )  # fmt: skip
        processor.add_request(slot, params)
    return processor


def _vocabulary(tekken: Path | None, size: int) -> Any:
    from evaluation.tekken import vocabulary_of_tekken

    if tekken is None:
        import mistral_common

        tekken = Path(mistral_common.__file__).parent / "data" / "tekken_240911.json"
    return vocabulary_of_tekken(tekken, size)


def table(results: dict[str, Any]) -> str:
    """Return the figures in Markdown."""
    if not results["measured"]:
        return "# The guard on a GPU\n\nNot measured: this machine has no GPU.\n"
    lines = [
        "# The guard on a GPU",
        "",
        f"{results['device']}; random weights in {results['shape']['layers']} layers of {results['shape']['hidden']}; "
        f"{results['phrases']:,} phrases banned in every row; vocabulary {results['shape']['vocabulary']:,}. This benchmark",
        "makes the calls of Model Runner V2: it is not vLLM itself. Ratio: plain step / step with the guard. The host's time",
        "includes its wait for the step before. Rows that were edited as a cursor of their own does not say:",
        f"{sum(row['wrong_rows'] for row in results['rows'])}.",
        "",
        "| sequences | drafts | plain step, ms | bans | bans, hits, counts | host in the guard, ms |",
        "|---|---|---|---|---|---|",
    ]
    for row in results["rows"]:
        plain = min(one["p50"] for one in row["times"]["plain"])
        ratio = row["ratio"]
        host = row["host_ms"]["hits"]
        lines.append(
            f"| {row['batch']} | {row['drafts']} | {plain:.2f} | {ratio['guard']:.3f} | {ratio['hits']:.3f} | {host:.2f} |"
        )
    return "\n".join(lines) + "\n"


def write(results: dict[str, Any], folder: Path) -> Path:
    """Write gpu.json and gpu.md into a folder, and return the latter's path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "gpu.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    file = folder / "gpu.md"
    file.write_text(table(results), "utf-8")
    return file
