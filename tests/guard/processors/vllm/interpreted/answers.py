"""Answers of vLLM's Model Runner V2 with the guard in it.

`python -m tests.guard.processors.vllm.interpreted.answers MODEL FOLDER SPECULATIVE`: `FOLDER` has the restrictions and
`asked.json`, a list of requests. `answers.json` is written there. `SPECULATIVE` is vLLM's speculative configuration as JSON, or
null.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def answers(model: str, folder: str, asked: list[dict[str, Any]], speculative: Any) -> dict[str, Any]:
    """Return the answers of all requests at once, the counts by name, and which runner gave them."""
    from vllm import LLM, SamplingParams

    from guard.processors.vllm.processor import GuardLogitsProcessor

    engine = LLM(
        model=model,
        dtype="float32",
        enforce_eager=True,
        max_num_seqs=8,
        max_model_len=512,
        gpu_memory_utilization=0.3,
        logits_processors=[GuardLogitsProcessor],
        worker_extension_cls="guard.processors.vllm.worker.GuardWorkerExtension",
        additional_config={"guard": {"folder": folder, "alone": True}},
        logprobs_mode="processed_logprobs",
        speculative_config=speculative,
    )
    held = engine.collective_rpc("guard_held", args=([],))
    params = [
        SamplingParams(
            temperature=0.0,
            max_tokens=16,
            stop_token_ids=one["stop_token_ids"],
            extra_args=one["extra_args"],
        )
        for one in asked
    ]
    outputs = engine.generate([one["prompt"] for one in asked], params, use_tqdm=False)
    names = [one["extra_args"]["guard_id"] for one in asked if "guard_id" in one["extra_args"]]
    return {
        "texts": [output.outputs[0].text for output in outputs],
        "tokens": [list(output.outputs[0].token_ids) for output in outputs],
        "stops": [output.outputs[0].stop_reason for output in outputs],
        "counts": engine.collective_rpc("guard_suppressed", args=(names,))[0],
        "held": held,
        "v2": engine.llm_engine.vllm_config.use_v2_model_runner,
    }


if __name__ == "__main__":
    model, name, speculative = sys.argv[1:]
    folder = Path(name)
    told = answers(model, name, json.loads((folder / "asked.json").read_text("utf-8")), json.loads(speculative))
    (folder / "answers.json").write_text(json.dumps(told), "utf-8")
