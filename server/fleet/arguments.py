"""The arguments of a `vllm serve` with the plugin: those without which the guard would not hold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from server.engine.flags import UNSAFE

PROCESSOR = "guard.processors.vllm.processor:GuardLogitsProcessor"
EXTENSION = "guard.processors.vllm.worker.GuardWorkerExtension"

_NOT_GIVEN: tuple[object, ...] = (None, False, "", "auto", [], {})


def check_arguments(args: Any) -> Path:
    """Check vLLM's parsed arguments, and return the folder of restrictions.

    Raises:
        ValueError: One is missing, or would undo the guard. The message says which and why.
    """
    if PROCESSOR not in [str(each) for each in getattr(args, "logits_processors", None) or ()]:
        raise ValueError(f"the guard needs --logits-processors {PROCESSOR}")
    if getattr(args, "worker_extension_cls", "") != EXTENSION:
        raise ValueError(f"the guard needs --worker-extension-cls {EXTENSION}")
    settings = (getattr(args, "additional_config", None) or {}).get("guard") or {}
    if not settings.get("folder"):
        raise ValueError('the guard needs --additional-config \'{"guard": {"folder": ...}}\', an empty folder of its own')
    if settings.get("alone"):
        raise ValueError("leave `alone` out of the guard's part of --additional-config: the engine would go on without a lease")
    # Other modes tell clients how likely the banned tokens were.
    if str(getattr(args, "logprobs_mode", "")) != "processed_logprobs":
        raise ValueError("the guard needs --logprobs-mode processed_logprobs: another mode shows what is banned")
    for option, reason in UNSAFE.items():
        if getattr(args, option.lstrip("-").replace("-", "_"), None) not in _NOT_GIVEN:
            raise ValueError(f"{option} may not be given: {reason}")
    # Each process of vLLM's HTTP server would have a plugin, and one would forget what another has just loaded.
    if (getattr(args, "api_server_count", None) or 1) != 1:
        raise ValueError("the guard needs --api-server-count 1: several would change what the same workers hold")
    return Path(settings["folder"])


def served_names(args: Any) -> Sequence[str]:
    """Return the names under which vLLM serves its model."""
    named = getattr(args, "served_model_name", None) or [args.model]
    return [named] if isinstance(named, str) else list(named)
