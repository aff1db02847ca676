"""The arguments of a `vllm serve` without which the guard would not hold."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from server.engine.flags import UNSAFE
from server.fleet.arguments import EXTENSION, PROCESSOR, check_arguments, served_names

GOOD: dict[str, Any] = {
    "model": "/models/m",
    "served_model_name": None,
    "logits_processors": [PROCESSOR],
    "worker_extension_cls": EXTENSION,
    "additional_config": {"guard": {"folder": "/restrictions"}},
    "logprobs_mode": "processed_logprobs",
    "api_server_count": None,
}


def test_complete_arguments_name_the_folder() -> None:
    assert check_arguments(SimpleNamespace(**GOOD)) == Path("/restrictions")
    assert check_arguments(SimpleNamespace(**GOOD | {"api_server_count": 1})) == Path("/restrictions")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"logits_processors": None}, "--logits-processors"),
        ({"logits_processors": ["other:Class"]}, "--logits-processors"),
        ({"worker_extension_cls": ""}, "--worker-extension-cls"),
        ({"additional_config": {}}, "--additional-config"),
        ({"additional_config": {"guard": {"folder": "/r", "alone": True}}}, "without a lease"),
        ({"logprobs_mode": "raw_logprobs"}, "--logprobs-mode processed_logprobs"),
        ({"api_server_count": 2}, "--api-server-count 1"),
        ({"worker_cls": "other.Worker"}, "--worker-cls may not be given"),
        ({"scheduler_cls": "other.Scheduler"}, "--scheduler-cls may not be given"),
        ({"enable_trace_replay": True}, "--enable-trace-replay may not be given: vLLM would say"),
        ({"trust_request_chat_template": True}, "--trust-request-chat-template may not be given"),
        ({"middleware": ["other.Middleware"]}, "--middleware may not be given"),
    ],
)
def test_what_would_undo_the_guard_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_arguments(SimpleNamespace(**GOOD | change))


@pytest.mark.parametrize(
    ("given", "names"), [(None, ["/models/m"]), ("one", ["one"]), (["one", "two"], ["one", "two"]), ([], ["/models/m"])]
)
def test_the_names_of_the_model_are_those_that_vllm_serves(given: Any, names: list[str]) -> None:
    assert served_names(SimpleNamespace(**GOOD | {"served_model_name": given})) == names


def test_every_option_that_is_refused_is_one_of_vllm_s_and_not_refused_by_its_default() -> None:
    from vllm.entrypoints.launchers.cli_args import make_arg_parser
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    folder = '{"guard": {"folder": "/restrictions"}}'
    args = make_arg_parser(FlexibleArgumentParser()).parse_args(
        [
            *("--model", "m", "--logits-processors", PROCESSOR, "--worker-extension-cls", EXTENSION),
            *("--additional-config", folder, "--logprobs-mode", "processed_logprobs"),
        ]
    )
    assert check_arguments(args) == Path("/restrictions")
    names = {option: option.lstrip("-").replace("-", "_") for option in UNSAFE if option.startswith("--")}
    assert [name for name in names.values() if not hasattr(args, name)] == []
    for option, name in names.items():
        # What the parser makes of an option that is given: a truth, a name, or a mapping.
        for value in (True, "some.Name", {"some": "value"}, ["some.Name"]):
            with pytest.raises(ValueError, match=f"{option} may not be given"):
                check_arguments(SimpleNamespace(**vars(args) | {name: value}))
