"""The guard as a logits processor of vLLM's V1 model runner.

Written against vLLM 0.32: `vllm.v1.sample.logits_processor`, vLLM's documented extension point for custom logits processors.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import torch
from vllm.v1.sample.logits_processor import BatchUpdate, LogitsProcessor
from vllm.v1.sample.logits_processor.builtin import process_dict_updates

from guard.decoding.batch import Batch
from guard.processors.logits import LogitsEditor, close_all
from guard.processors.vllm.hits import Hits
from guard.processors.vllm.requests import Requests
from guard.processors.vllm.rewinding import Rewinding
from guard.processors.vllm.suppressed import Suppressed

if TYPE_CHECKING:
    from vllm import SamplingParams
    from vllm.config import VllmConfig

logger = logging.getLogger("vllm.guard")


class V1LogitsProcessor(LogitsProcessor):
    """Keeps each request of a batch from saying what its restrictions name.

    It follows the changes of V1's batch. `Requests` makes the rows, `Batch` finds the bans of each step, and `LogitsEditor` edits
    the tensor.
    """

    @classmethod
    def validate_params(cls, params: SamplingParams) -> None:
        """Check a request's guard argument. Raises ArgumentError, a ValueError, to which vLLM answers 400."""
        Requests.validate(params)

    def __init__(self, vllm_config: VllmConfig, device: torch.device, is_pin_memory: bool) -> None:
        """Start the processor. Raises what `Requests.of` raises; then the engine does not start."""
        self._suppressed = Suppressed()
        self.requests = Requests.of(vllm_config, self._suppressed)
        self._editor = LogitsEditor(self.requests.dead_end, device, private=self.requests.private)
        self._hits = Hits(self._editor)
        # It has no row for a request without a restriction.
        self._batch = Batch()
        self.rewinding: Rewinding | None = None

    def is_argmax_invariant(self) -> bool:
        """Return False: a ban may change what greedy decoding picks."""
        return False

    def update_state(self, batch_update: BatchUpdate | None) -> None:
        """Update the batch for requests that were added, removed or moved.

        Their new tokens are read in `apply`, because vLLM may not know them earlier.
        """
        if process_dict_updates(self._batch.rows, batch_update, self.requests.row):
            rows = self._batch.rows
            self._batch.changed()
            self._suppressed.arrange(rows)
            self._hits.arrange(rows)
            self._editor.arrange(list(rows), [position for position, row in rows.items() if row.starves])

    def apply(self, logits: torch.Tensor) -> torch.Tensor:
        """Edit `logits`, float32 [batch, vocabulary], in place.

        One scatter bans in all rows, and one bans the dead end. Then the rows with a hit are closed. While the engine's gate is
        shut, all rows are closed, those without a restriction as well.
        """
        if self.rewinding:
            self.rewinding.keep()
        if self.requests.gate.shut:
            close_all(logits, self.requests.dead_end)
            return logits
        if not self._batch.rows:
            return logits
        edits = self._batch.edits()
        suppressed = self._suppressed
        doubtful = self._editor.close_dead_end(logits)
        suppressed.before(logits, edits)
        self._hits.before(logits, edits)
        self._editor.apply(logits, edits)
        self._editor.open_dead_end(logits, doubtful)
        suppressed.after(logits, self._hits.after(logits))
        return logits
