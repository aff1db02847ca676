"""The decoding of GUARD (Deng et al. 2025, "Generation-time LLM Unlearning via Adaptive Restriction and Detection", arXiv
2505.13312, its third step): beam search in which forbidden answers are matched by token and by meaning.

At each step every candidate, a beam and a next token, has a penalty subtracted from its cumulative log probability:

- hard match: a trie holds the canonical token sequences of the forbidden texts; the search prunes a candidate whose end covers at
  least the fraction `beta` of a sequence, from its beginning;
- soft match: the sentence embedding of the last generated word is compared with those of the forbidden words; at a cosine of
  `delta` or more the search prunes the candidate, below it the cosine is the penalty.

The sources are the abstract, the published reviews and an open re-implementation. Where they leave something open, this does what
favours the method, its speed above all:

- it matches each sequence in both its forms, at the beginning of a text and after a space, and starts behind the prompt;
- it walks the trie along with each beam, instead of from each of the beam's ends anew;
- forbidden words are the distinct words of four letters or more: with "the" among them, it would prune every text;
- it judges the last word at every token, finished or not; it encodes all new words of a step in one call, and no word twice
  (the paper's appendix on speed has a cache as well);
- each beam proposes its 2 x width likeliest tokens, as beam search usually does, and all live beams share one forward pass;
- a finished beam keeps its place and its score; scores are not divided by length; the end of the text has no penalty.

When every candidate is pruned and no beam has finished, the method allows no answer. The re-implementation then says the
unguarded token. Here the search ends, `Result.exhausted` is true, and the text is that of the best beam before.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import DynamicCache, PreTrainedTokenizerBase

from evaluation.baselines.forbidden import Encode, End, Forbidden, letters_of

_ANCHOR = "a"


@dataclass(frozen=True)
class Result:
    """One guarded answer.

    Attributes:
        ids: the answer's token ids, without the end token.
        text: the answer.
        steps: forward passes.
        exhausted: whether the search ended because every candidate was pruned.
        pruned: candidates pruned in all steps.
        score: cumulative log probability less penalties.
        seconds_total: of the whole search.
        model_s: seconds of each step in the model, with the choice of candidates.
        matching_s: seconds of each step in matching the candidates.
    """

    ids: list[int]
    text: str
    steps: int
    exhausted: bool
    pruned: int
    score: float
    seconds_total: float
    model_s: tuple[float, ...]
    matching_s: tuple[float, ...]

    @property
    def seconds_model(self) -> float:
        """Seconds in the model."""
        return sum(self.model_s)

    @property
    def seconds_matching(self) -> float:
        """Seconds in matching and in encoding new words."""
        return sum(self.matching_s)


@dataclass(frozen=True)
class _Beam:
    ids: tuple[int, ...] = ()
    score: float = 0.0
    word: str = ""  # the end of the text from the last word's beginning on
    ends: tuple[End, ...] = ()
    parent: int = 0  # row of the last forward pass that it continues
    done: bool = False


class Pieces:
    """The text that a token adds inside a text, where sentencepiece keeps the space that it drops at the beginning."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._decode = tokenizer.decode
        self._anchor: list[int] = tokenizer.encode(_ANCHOR, add_special_tokens=False)
        self._known: dict[int, str] = {}

    def __getitem__(self, token: int) -> str:
        if token not in self._known:
            whole: str = self._decode([*self._anchor, token], clean_up_tokenization_spaces=False)
            self._known[token] = whole[whole.find(_ANCHOR) + 1 :]
        return self._known[token]


def generate_guarded(
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    prompt_ids: Sequence[int],
    forbidden: Sequence[str] | Forbidden,
    encode: Encode,
    max_new_tokens: int,
    beams: int = 7,
    beta: float = 1.0,
    delta: float = 0.5,
    *,
    ignore_end: bool = False,
) -> Result:
    """Generate one answer of at most `max_new_tokens` tokens with a transformers causal language model.

    To time a given number of steps, pass a `delta` above 1, which compares every word and prunes none, and `ignore_end`.

    Args:
        model: the model, with its generation config.
        tokenizer: the model's tokenizer.
        prompt_ids: token ids of the prompt.
        forbidden: texts, or what `Forbidden.of` made of them; texts are prepared outside the measured time.
        encode: encodes the words of `forbidden`, if those are texts.
        max_new_tokens: the most forward passes.
        beams: the width of the search.
        beta: the fraction of a forbidden sequence at which a candidate is pruned, in (0, 1].
        delta: the cosine at which a candidate is pruned.
        ignore_end: whether the end token is a token like any other.

    Raises:
        ValueError: the prompt is empty, there are no beams or no tokens, or `beta` is outside (0, 1].
    """
    if not len(prompt_ids) or beams < 1 or max_new_tokens < 1 or not 0 < beta <= 1:
        raise ValueError("needs a prompt, at least one beam and one token, and a beta within (0, 1]")
    guard = forbidden if isinstance(forbidden, Forbidden) else Forbidden.of(forbidden, tokenizer, encode)
    with torch.inference_mode():
        return _search(model, tokenizer, prompt_ids, guard, max_new_tokens, beams, beta, delta, ignore_end)


def _search(
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    prompt_ids: Sequence[int],
    guard: Forbidden,
    max_new_tokens: int,
    beams: int,
    beta: float,
    delta: float,
    ignore_end: bool,
) -> Result:
    pieces = Pieces(tokenizer)
    end = frozenset[int]() if ignore_end else _end_ids(model, tokenizer)
    held = [_Beam()]
    cache = DynamicCache(config=model.config)
    inputs = torch.tensor([list(prompt_ids)], device=model.device)
    model_s: list[float] = []
    matching_s: list[float] = []
    pruned, exhausted = 0, False
    began = time.perf_counter()
    while len(model_s) < max_new_tokens and not all(beam.done for beam in held):
        started = time.perf_counter()
        live = [beam for beam in held if not beam.done]
        if model_s:
            cache.batch_select_indices(torch.tensor([beam.parent for beam in live], device=model.device))
            inputs = torch.tensor([[beam.ids[-1]] for beam in live], device=model.device)
        logits = model(inputs, past_key_values=cache, use_cache=True, logits_to_keep=1).logits[:, -1].float()
        likeliest = torch.log_softmax(logits, dim=-1).topk(min(2 * beams, logits.shape[-1]))
        values, tokens = likeliest.values.tolist(), likeliest.indices.tolist()
        matching = time.perf_counter()
        candidates, dropped = _candidates(live, values, tokens, guard, pieces, end, beta, delta)
        model_s.append(matching - started)
        matching_s.append(time.perf_counter() - matching)
        pruned += dropped
        pool = [beam for beam in held if beam.done] + candidates
        if not pool:
            exhausted = True
            break
        held = sorted(pool, key=lambda beam: -beam.score)[:beams]
    best = held[0]
    ids = [token for token in best.ids if token not in end]
    text: str = tokenizer.decode(ids, skip_special_tokens=True)
    took = time.perf_counter() - began
    return Result(ids, text, len(model_s), exhausted, pruned, best.score, took, tuple(model_s), tuple(matching_s))


def _candidates(
    live: Sequence[_Beam],
    values: Sequence[Sequence[float]],
    tokens: Sequence[Sequence[int]],
    guard: Forbidden,
    pieces: Pieces,
    end: frozenset[int],
    beta: float,
    delta: float,
) -> tuple[list[_Beam], int]:
    """Return the candidates that are left, and how many were pruned. `values` and `tokens`: [live beams, proposals]."""
    kept: list[_Beam] = []
    dropped = 0
    for row, beam in enumerate(live):
        for value, token in zip(values[row], tokens[row], strict=True):
            if token in end:
                kept.append(_Beam((*beam.ids, token), beam.score + value, beam.word, (), row, done=True))
                continue
            ends, covered = guard.trie.follow(beam.ends, token)
            if covered >= beta:
                dropped += 1
            else:
                word = last_word(beam.word + pieces[token])
                kept.append(_Beam((*beam.ids, token), beam.score + value, word, ends, row))
    near = guard.nearness(letters_of(beam.word) for beam in kept if not beam.done)
    allowed: list[_Beam] = []
    for beam in kept:
        cosine = 0.0 if beam.done else near.get(letters_of(beam.word), 0.0)
        if cosine >= delta:
            dropped += 1
        else:
            allowed.append(_Beam(beam.ids, beam.score - cosine, beam.word, beam.ends, beam.parent, beam.done))
    return allowed, dropped


def step_us(result: Result) -> tuple[float, float]:
    """Return the median microseconds of a step in the model and in matching, without the prompt's step."""
    rest = slice(1, None) if result.steps > 1 else slice(None)
    return statistics.median(result.model_s[rest]) * 1e6, statistics.median(result.matching_s[rest]) * 1e6


def last_word(text: str) -> str:
    """Return the last word of a text, with one space behind it if the text ends with white space."""
    # A space behind a word does not begin the next one yet: the word stays the last.
    words = text.split()
    return (words[-1] + (" " if text[-1].isspace() else "")) if words else ""


def _end_ids(model: Any, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    configured = model.generation_config.eos_token_id
    ids = configured if isinstance(configured, list) else [configured]
    return frozenset(token for token in [*ids, tokenizer.eos_token_id] if token is not None)
