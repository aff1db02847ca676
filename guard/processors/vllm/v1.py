"""The guard as a logits processor of vLLM's V1 model runner (`--logits-processors
guard.processors.vllm.v1:GuardLogitsProcessor`).

Written against vLLM 0.32: `vllm.v1.sample.logits_processor`, vLLM's documented extension point for custom logits processors.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from vllm.tokenizers import cached_tokenizer_from_config
from vllm.v1.sample.logits_processor import BatchUpdate, LogitsProcessor
from vllm.v1.sample.logits_processor.builtin import process_dict_updates

from guard.decoding.batch import Batch
from guard.decoding.edits import Edits
from guard.decoding.finishing import Finisher, open_encoder
from guard.decoding.library import Library
from guard.decoding.row import Row
from guard.errors import ArgumentError, RestrictionError
from guard.meaning.semantic import CANDIDATES
from guard.processors.arguments import KEY, REFUSE, count_name, guard_argument
from guard.processors.tokenizer import dead_end_token, model_ends, vocabulary_from
from guard.processors.vllm.suppressed import CountedRow, Suppressed
from guard.tokens.cache import VocabularyCache

if TYPE_CHECKING:
    from vllm import SamplingParams
    from vllm.config import VllmConfig

logger = logging.getLogger("vllm.guard")


class GuardLogitsProcessor(LogitsProcessor):
    """Keeps each request of a batch from saying what its restrictions name.

    The folder of restrictions comes by `--additional-config '{"guard": {"folder": ...}}'`; without it the engine does not
    start. Beside it may stand `words`, the folder of word vectors, and, to judge words of several tokens too, `encoder`, a
    "module:name" that makes an encoder of the model `encoder_model`. A request whose guard argument cannot be honoured gets
    nothing but the dead-end token, so that nothing is generated unguarded.

    In a restricted row the dead-end token is sampled if and only if the guard chose it: neither the model nor a grammar, which
    takes every stop token for a legal end, can say it. Only where the dead end is one of the model's own ends must it stay
    possible.
    """

    @classmethod
    def validate_params(cls, params: SamplingParams) -> None:
        """Refuse a request whose guard argument is missing, or which has a malformed one: vLLM answers 400. Raises ArgumentError,
        a ValueError."""
        guard_argument(params.extra_args)
        count_name(params.extra_args)

    def __init__(self, vllm_config: VllmConfig, device: torch.device, is_pin_memory: bool) -> None:
        settings = vllm_config.additional_config.get(KEY)
        if not settings:
            raise ValueError("the guard's settings are missing from --additional-config")
        model = vllm_config.model_config
        tokenizer = cached_tokenizer_from_config(model)
        folder = Path(settings["folder"])
        self._finisher: Finisher | None = None
        if settings.get("encoder"):
            self._finisher = Finisher(open_encoder(settings["encoder"], settings.get("encoder_model")))
        self.library = Library(
            folder,
            vocabulary_from(tokenizer, model.get_vocab_size(), VocabularyCache(folder / "vocabularies")),
            Path(settings["words"]) if settings.get("words") else None,
            self._finisher.encoder.fingerprint if self._finisher else None,
        )
        ends = model_ends(tokenizer, model)
        self._dead_end = dead_end_token(tokenizer, model.get_vocab_size(), ends)
        self._private = self._dead_end not in ends
        self._device = device
        # Positions whose request has no restriction are not held.
        self._batch = Batch()
        # The positions that are held, and those of them in which vLLM may leave nothing.
        self._held = self._starving = self._tensor(np.empty(0, np.int64))
        self.suppressed = Suppressed()

    def is_argmax_invariant(self) -> bool:
        """A ban changes what greedy decoding picks."""
        return False

    def update_state(self, batch_update: BatchUpdate | None) -> None:
        """Follow the requests that came, left and moved. Their new tokens are read in `apply`: until then vLLM may not know
        them."""
        if process_dict_updates(self._batch.rows, batch_update, self._row):
            rows = self._batch.rows
            self._batch.changed()
            self.suppressed.arrange(rows)
            self._held = self._tensor(np.array(list(rows), np.int64))
            self._starving = self._tensor(np.array([position for position, row in rows.items() if row.starves], np.int64))

    def _row(self, params: SamplingParams, prompt: list[int] | None, output: list[int]) -> Row | None:
        try:
            digests, name = guard_argument(params.extra_args), count_name(params.extra_args)
            if prompt is None:
                raise ArgumentError("the prompt has no token ids: a phrase begun in it would not be seen")
            masks = [] if digests == [REFUSE] else [self.library.masks(digest) for digest in digests]
        except (ArgumentError, RestrictionError) as error:
            logger.warning("request closed: %s", error)
            return Row((), (), output, closed=True)
        starves = bool(params.structured_outputs or params.allowed_token_ids or params.bad_words or params.min_tokens)
        if name is None or digests == [REFUSE]:
            row = Row(masks, prompt, output, closed=digests == [REFUSE], starves=starves)
        else:
            self.suppressed.begin(name)
            ends = {params.eos_token_id, *(params.stop_token_ids or ())} - {None}
            row = CountedRow(masks, prompt, output, name=name, ends=ends, starves=starves)
        return None if row.idle else row

    def apply(self, logits: torch.Tensor) -> torch.Tensor:
        """Edit `logits` float32 [batch, vocabulary] in place.

        One scatter bans for all rows, one closes the dead end, and one more is for the likeliest tokens of rows with anchors if
        there is an encoder here.
        """
        if not self._batch.rows:
            return logits
        edits = self._batch.edits()
        positions = self._finisher.concerned(self._batch.rows, edits) if self._finisher else []
        # First, so that a dead end which the model holds likeliest is no suppressed token.
        doubtful = self._close_dead_end(logits)
        self.suppressed.before(logits, edits, positions)
        self._edit(logits, edits)
        self._end_starved(logits, doubtful)
        if self._finisher and positions:
            self._edit(logits, self._finished(self._finisher, logits, positions, edits))
        self.suppressed.after(logits)
        return logits

    def _finished(self, finisher: Finisher, logits: torch.Tensor, positions: list[int], edits: Edits) -> Edits:
        values, ids = logits[self._tensor(np.array(positions))].topk(min(CANDIDATES, logits.shape[1]))
        candidates = torch.where(values > -torch.inf, ids, -1).cpu().numpy()
        try:
            return finisher.edits(self._batch.rows, positions, candidates, edits)
        except Exception as error:
            # What the rows were about to say is unknown; the message may hold it, so only the kind of error is told.
            logger.warning("%d requests closed: words could not be encoded: %s", len(positions), type(error).__name__)
            return Edits.collect({}, positions, [])

    def _edit(self, logits: torch.Tensor, edits: Edits) -> None:
        if edits.banned.size:
            rows, ids = self._tensor(edits.banned)
            logits.index_put_((rows, ids), logits.new_tensor(-torch.inf))
        if edits.soft.size:
            rows, ids = self._tensor(edits.soft)
            logits.index_put_((rows, ids), -self._tensor(edits.penalties), accumulate=True)
        if edits.closed.size:
            rows = self._tensor(edits.closed)
            logits[rows] = -torch.inf
            logits[rows, self._dead_end] = 0.0
        if edits.starving.size:
            self._end_starved(logits, self._tensor(edits.starving))

    def _close_dead_end(self, logits: torch.Tensor) -> torch.Tensor:
        """Ban the dead end in every row. Return the positions, int64, of rows that may have had nothing else."""
        if not self._private:
            return self._starving[:0]
        column = logits[:, self._dead_end]
        doubtful = self._starving
        if logits.device.type == "cpu":
            # Few, as a rule. On another device it is dearer to wait for the answer than to look at all of them.
            doubtful = doubtful[column[doubtful] > -torch.inf]
        column.index_fill_(0, self._held, -torch.inf)
        return doubtful

    def _end_starved(self, logits: torch.Tensor, rows: torch.Tensor) -> None:
        """Open the dead end in those of the `rows`, int64, that have nothing left."""
        if rows.numel():
            nothing = logits[rows].amax(dim=-1) == -torch.inf
            logits[rows, self._dead_end] = torch.where(nothing, 0.0, logits[rows, self._dead_end])

    def _tensor(self, array: Any) -> torch.Tensor:
        return torch.from_numpy(array).to(self._device, non_blocking=True)
