"""The list of models, as clients see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SHOWN = ("id", "object", "owned_by", "parent", "max_model_len")


def listed(answer: Mapping[str, Any], created: int) -> dict[str, Any]:
    """Return the engine's list of models without what tells about the host.

    vLLM shows the path of a model's files as its `root`, and the time of the request as `created`. Here the root is the model's
    own name.

    Args:
        answer: What the engine answers.
        created: When the models began to be served, in seconds since 1970.
    """
    models = [
        {name: model[name] for name in _SHOWN if name in model} | {"created": created, "root": model["id"]}
        for model in answer["data"]
    ]
    return {"object": "list", "data": models}
