"""The models, as clients see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from server.errors import NotFound


class Model(BaseModel):
    """A model that is served."""

    id: str
    object: str = "model"
    created: int
    owned_by: str = "vllm"
    root: str
    parent: str | None = None
    max_model_len: int | None = None


class ModelList(BaseModel):
    """The models that are served."""

    object: str = "list"
    data: list[Model]


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


def one(answer: Mapping[str, Any], created: int, name: str) -> dict[str, Any]:
    """Return one model of the engine's list, as `listed` shows it.

    Raises:
        NotFound: The engine serves no model of this name.
    """
    for model in listed(answer, created)["data"]:
        if model["id"] == name:
            return dict(model)
    raise NotFound("There is no such model: `GET /v1/models` lists those that are served.", param="model", code="model_not_found")
