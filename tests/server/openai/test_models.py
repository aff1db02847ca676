"""The list of models tells nothing about the host."""

from __future__ import annotations

import pytest

from server.errors import NotFound
from server.openai.models import listed, one

VLLM = {
    "object": "list",
    "data": [
        {
            "id": "demo",
            "object": "model",
            "created": 1790000000,
            "owned_by": "vllm",
            "root": "/home/somebody/models/demo",
            "parent": None,
            "max_model_len": 2048,
            "permission": [{"id": "modelperm-x", "created": 1790000000}],
        }
    ],
}


def test_f11_no_path_of_the_host_and_no_time_of_the_request() -> None:
    shown = listed(VLLM, 5)
    assert "somebody" not in str(shown)
    assert shown["data"] == [
        {
            "id": "demo",
            "object": "model",
            "owned_by": "vllm",
            "parent": None,
            "max_model_len": 2048,
            "created": 5,
            "root": "demo",
        }
    ]
    assert listed({"data": [{**VLLM["data"][0], "created": 1800000000}]}, 5) == shown  # type: ignore[dict-item]


def test_api_10_one_model_is_shown_as_in_the_list_and_no_other_name_is_one() -> None:
    assert one(VLLM, 5, "demo") == listed(VLLM, 5)["data"][0]
    for name in ("nope", "Demo", "", "/home/somebody/models/demo"):
        with pytest.raises(NotFound) as caught:
            one(VLLM, 5, name)
        assert (caught.value.param, caught.value.code) == ("model", "model_not_found")
