"""The guard's logits processor, whichever model runner vLLM has chosen (`--logits-processors
guard.processors.vllm.processor:GuardLogitsProcessor`).

`live` uses internals of vLLM 0.32: a runner's list of logits processors, and where Model Runner V2 keeps draft tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from vllm.v1.sample.logits_processor import LogitsProcessor as V1Interface
from vllm.v1.worker.gpu.sample.logits_processor import LogitsProcessor as V2Interface

from guard.processors.vllm.requests import Requests
from guard.processors.vllm.rewinding import Rewinding

if TYPE_CHECKING:
    from vllm import SamplingParams


class GuardLogitsProcessor(V1Interface, V2Interface):
    """Stands for the processors of both runners: each makes its own of it.

    vLLM takes one class for both, checks that it is one of the runner's own kind, and calls it with the runner's own arguments:
    three for V1 and two for V2.
    """

    def __new__(cls, config: Any, *others: Any) -> Any:
        """Return the processor of the runner that calls this. Raises what that processor raises."""
        if len(others) == 1:
            from guard.processors.vllm.v2 import V2LogitsProcessor

            return V2LogitsProcessor(config, *others)
        from guard.processors.vllm.v1 import V1LogitsProcessor

        return V1LogitsProcessor(config, *others)

    @classmethod
    def validate_params(cls, sampling_params: SamplingParams) -> None:
        """Check a request's guard argument. Raises ArgumentError, a ValueError, to which vLLM answers 400."""
        Requests.validate(sampling_params)


def live(model_runner: Any) -> Requests | None:
    """Return the `Requests` of the guard's processor in a model runner, None if the processor is not loaded.

    From then on, seeded requests of V1 on a CPU can be preempted (`rewinding`), and V2 need not wait for draft tokens.
    """
    if hasattr(model_runner, "input_batch"):
        from guard.processors.vllm.v1 import V1LogitsProcessor

        for processor in model_runner.input_batch.logitsprocs.all:
            if isinstance(processor, V1LogitsProcessor):
                if processor.rewinding is None and torch.device(model_runner.device).type == "cpu":
                    processor.rewinding = Rewinding(model_runner)
                return processor.requests
        return None
    from guard.processors.vllm.v2 import V2LogitsProcessor

    for processor in getattr(model_runner.sampler, "logits_processors", ()):
        if isinstance(processor, V2LogitsProcessor):
            if model_runner.num_speculative_steps:
                processor.history.drafts = model_runner.req_states.draft_tokens
            return processor.requests
    return None
