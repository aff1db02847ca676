"""The methods of an engine worker that the front end calls (`--worker-extension-cls
guard.processors.vllm.worker.GuardWorkerExtension`).

Written against vLLM 0.32: worker extensions and `collective_rpc` are vLLM's public interface for calls of workers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from guard.errors import GuardError
from guard.processors.vllm import processor
from guard.processors.vllm.requests import Requests


class GuardWorkerExtension:
    """Methods that vLLM adds to its worker class."""

    model_runner: Any

    def _guard_requests(self) -> Requests:
        requests = processor.live(self.model_runner)
        if requests is None:
            raise GuardError(
                "the guard's logits processor is not loaded in this worker: start vLLM with --logits-processors "
                "guard.processors.vllm.processor:GuardLogitsProcessor"
            )
        return requests

    def guard_load(self, digests: Sequence[str]) -> dict[str, Any]:
        """Load restrictions. Large ones load in the background, so that generation goes on.

        Call it again until each digest is in `held` or has been in `failed`.

        Returns:
            `held`: The digests of those that are loaded so far.
            `failed`: Why others could not be loaded, by digest; each reason is returned once.
        """
        library = self._guard_requests().library
        earlier = library.collect_failures(digests)
        library.request([digest for digest in digests if digest not in earlier])
        return {"held": library.held(digests), "failed": earlier | library.collect_failures(digests)}

    def guard_forget(self, digests: Sequence[str]) -> dict[str, Any]:
        """Remove restrictions from memory, and return what `guard_load` returns."""
        library = self._guard_requests().library
        for digest in digests:
            library.forget(digest)
        return {"held": library.held(digests), "failed": {}}

    def guard_held(self, digests: Sequence[str]) -> int:
        """Return how many of these restrictions are loaded, and change nothing."""
        return len(self._guard_requests().library.held(digests))

    def guard_suppressed(self, names: Sequence[str]) -> dict[str, int]:
        """Return and forget how many tokens were suppressed under each of the `names` that has a count here."""
        return self._guard_requests().suppressed.take(names)

    def guard_total(self) -> int:
        """Return how many tokens were suppressed since the last call. An engine of a fleet counts so, for its own metrics."""
        return self._guard_requests().suppressed.total()

    def guard_open(self, seconds: float) -> None:
        """Let rows say something for `seconds` from now; 0: from now on no row says anything (`Gate`)."""
        self._guard_requests().gate.open(seconds)
