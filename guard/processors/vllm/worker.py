"""What the front end can ask of every engine worker (`--worker-extension-cls guard.processors.vllm.worker.GuardWorkerExtension`).

Written against vLLM 0.32: worker extensions and `collective_rpc` are vLLM's public way to talk to workers; the way from a
worker to its live logits processors (`model_runner.input_batch.logitsprocs`) is an internal one, used here alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from guard.errors import GuardError
from guard.processors.vllm.v1 import GuardLogitsProcessor


class GuardWorkerExtension:
    """Methods that vLLM adds to its worker class."""

    model_runner: Any

    def _guard_processor(self) -> GuardLogitsProcessor:
        for processor in self.model_runner.input_batch.logitsprocs.all:
            if isinstance(processor, GuardLogitsProcessor):
                return processor
        raise GuardError("the guard's logits processor is not loaded in this worker")

    def guard_load(self, digests: Sequence[str]) -> dict[str, Any]:
        """Have restrictions loaded, all but a few small ones in the background, so that generation goes on; return which of them
        are held and which failed so far.

        Ask again until each is in one of the two: `held`, digests; `failed`, reasons by digest, each told once.
        """
        library = self._guard_processor().library
        earlier = library.collect_failures(digests)
        library.request([digest for digest in digests if digest not in earlier])
        return {"held": library.held(digests), "failed": earlier | library.collect_failures(digests)}

    def guard_forget(self, digests: Sequence[str]) -> dict[str, Any]:
        """Drop restrictions from memory; return the same as `guard_load`."""
        library = self._guard_processor().library
        for digest in digests:
            library.forget(digest)
        return {"held": library.held(digests), "failed": {}}

    def guard_held(self, digests: Sequence[str]) -> int:
        """Return how many of these restrictions are held, and change nothing."""
        return len(self._guard_processor().library.held(digests))

    def guard_suppressed(self, names: Sequence[str]) -> dict[str, int]:
        """Return and forget how many tokens were suppressed under each of the `names`; those not known here are left out."""
        return self._guard_processor().suppressed.take(names)
