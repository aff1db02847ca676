"""Random generators of seeded requests that can go back by one token, on a CPU.

vLLM samples a token for a request whose prompt it has read in part only, throws it away, and sets the request's generator back by
changing its offset. Torch's generators on a CPU have no offset ("CPU Generator does not use offset"), and the error ends vLLM
0.32. It happens when a prompt is read in several parts, and when a request with a seed was preempted. The generators of this
module keep the state from before the last token, and go back to that.
"""

from __future__ import annotations

from typing import Any

import torch


class RewindableGenerator(torch.Generator):
    """A generator that goes back to the state that it kept, whatever offset it is set to."""

    kept: torch.Tensor

    def get_offset(self) -> int:
        """Return a number from which vLLM subtracts what it takes for the numbers of one token."""
        return 4

    def set_offset(self, offset: int) -> None:
        """Go back to the state before the last token."""
        self.set_state(self.kept)


class Rewinding:
    """Has the seeded requests of a model runner on a CPU use `RewindableGenerator`.

    `input_batch.generators`, `input_batch.req_ids` and `requests` are internal to vLLM 0.32.
    """

    def __init__(self, model_runner: Any) -> None:
        self._runner = model_runner

    def keep(self) -> None:
        """Keep the state of each request's generator. Call this in each step, before tokens are sampled."""
        batch = self._runner.input_batch
        for index, generator in batch.generators.items():
            if not isinstance(generator, RewindableGenerator):
                generator = _rewindable(generator)
                # An item that exists is replaced, so the dictionary may be iterated over. A preempted request is added to the
                # batch again with the generator in `requests`.
                batch.generators[index] = generator
                self._runner.requests[batch.req_ids[index]].generator = generator
            generator.kept = generator.get_state()


def _rewindable(generator: torch.Generator) -> RewindableGenerator:
    made = RewindableGenerator(device=generator.device)
    made.set_state(generator.get_state())
    return made
