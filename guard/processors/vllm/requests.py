"""Requests: they make the row that restricts a request from what vLLM knows about the request, for every model runner of vLLM.

Written against vLLM 0.32 (`VllmConfig`, `SamplingParams`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vllm.tokenizers import cached_tokenizer_from_config

from guard.decoding.library import Library
from guard.decoding.row import Row
from guard.errors import ArgumentError, RestrictionError
from guard.processors.arguments import KEY, REFUSE, allowed_patterns, avoided, count_name, ends_at_hits, guard_argument, joins
from guard.processors.tokenizer import dead_end_token, model_ends, vocabulary_from
from guard.processors.vllm.counts import Counts
from guard.processors.vllm.gate import Gate
from guard.processors.vllm.suppressed import CountedRow
from guard.tokens.cache import VocabularyCache

if TYPE_CHECKING:
    from vllm import SamplingParams
    from vllm.config import VllmConfig

logger = logging.getLogger("vllm.guard")


class Requests:
    """Makes the row of each request of an engine.

    Attributes:
        library: The restrictions.
        dead_end: The id of the dead-end token.
        private: Whether the model never ends an answer with the dead end.
        suppressed: Counts the suppressed tokens of requests that have a name for it.
        gate: Whether rows may say anything. The processor of each model runner asks it in each step.
    """

    def __init__(
        self, library: Library, dead_end: int, width: int, suppressed: Counts, gate: Gate, *, private: bool = True
    ) -> None:
        """Make rows under the restrictions of a library, for logits of a `width`. The others are the attributes."""
        self.library = library
        self.dead_end = dead_end
        self.private = private
        self.suppressed = suppressed
        self.gate = gate
        self._width = width

    @classmethod
    def of(cls, config: VllmConfig, suppressed: Counts) -> Requests:
        """Load the vocabulary of an engine's model. Takes seconds the first time.

        Args:
            config: The engine's configuration. `--additional-config '{"guard": {"folder": ..., "alone": ...}}'` has the folder of
                restrictions, and whether the engine belongs to one front end; if that is left out, it is one of a fleet (`Gate`).
            suppressed: Counts the suppressed tokens.

        Raises:
            ValueError: The guard's settings are missing.
            VocabularyError: The model's tokenizer does not tell the bytes of its tokens.
        """
        settings = config.additional_config.get(KEY)
        if not settings:
            raise ValueError('the guard\'s settings are missing: pass --additional-config \'{"guard": {"folder": ...}}\'')
        model = config.model_config
        tokenizer = cached_tokenizer_from_config(model)
        folder = Path(settings["folder"])
        width = model.get_vocab_size()
        library = Library(folder, vocabulary_from(tokenizer, width, VocabularyCache(folder / "vocabularies")))
        ends = model_ends(tokenizer, model)
        dead_end = dead_end_token(tokenizer, width, ends)
        gate = Gate(bool(settings.get("alone")))
        return cls(library, dead_end, width, suppressed, gate, private=dead_end not in ends)

    @staticmethod
    def validate(params: SamplingParams) -> None:
        """Check a request's guard arguments. vLLM answers 400 to what this raises.

        Raises:
            ArgumentError: One is missing or malformed. This is a ValueError.
        """
        extra = params.extra_args
        guard_argument(extra), count_name(extra), ends_at_hits(extra), avoided(extra), allowed_patterns(extra), joins(extra)

    def is_free(self, params: SamplingParams) -> bool:
        """Return whether a request's logits never have to be changed, whatever its prompt is. Never raises."""
        try:
            extra = params.extra_args
            free = not guard_argument(extra) and not avoided(extra)
            name = count_name(extra)
        except ArgumentError:
            return False
        if free and name is not None:
            self.suppressed.begin(name)
        return free

    def row(self, params: SamplingParams, prompt: Sequence[int] | None, output: Sequence[int]) -> Row | None:
        """Return the row of a request, None if its logits never have to be changed.

        A request whose guard argument is malformed or names an unknown restriction gets a closed row, in which only the dead end
        can be sampled.

        Args:
            params: The request's sampling parameters.
            prompt: Its token ids, None if vLLM has embeddings instead.
            output: The ids sampled so far. The list grows while the engine generates.
        """
        try:
            extra = params.extra_args
            digests, name = guard_argument(extra), count_name(extra)
            hits, avoid, allowed = ends_at_hits(extra), avoided(extra), allowed_patterns(extra)
            if max(avoid or (), default=0) >= self._width:
                raise ArgumentError(f"an avoided token (guard_avoid) is not one of the model's {self._width}")
            if prompt is None:
                raise ArgumentError(
                    "the prompt has embeddings and no token ids, so the guard would not see a phrase that begins in it"
                )
            joined = joins(extra)
            masks = [] if digests == [REFUSE] else [self.library.masks(digest) for digest in digests]
        except (ArgumentError, RestrictionError) as error:
            logger.warning("request closed: %s", error)
            return Row((), (), output, closed=True)
        # vLLM masks tokens for these before the guard does. Together with the bans, no token may be left.
        starves = bool(params.structured_outputs or params.allowed_token_ids or params.bad_words or params.min_tokens)
        if digests == [REFUSE]:
            return Row((), prompt, output, closed=True)
        make: Callable[..., Row] = Row
        if name is not None:
            self.suppressed.begin(name)
            make = partial(CountedRow, name=name, ends={params.eos_token_id, *(params.stop_token_ids or ())} - {None})
        others = masks[0].vocabulary.joined(prompt) if masks and joined else ()
        row = make(masks, prompt, output, starves=starves, hits=hits, avoid=avoid, allowed=allowed, readings=others)
        return None if row.idle else row
