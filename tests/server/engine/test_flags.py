"""vLLM's options that are refused, each with what to do instead."""

from __future__ import annotations

import argparse

import pytest

from server.engine.flags import REFUSED, check_flags

# What the listener of vLLM 0.32 has and this server does anyway, or what concerns no listener.
_HARMLESS = {
    "--disable-uvicorn-access-log",
    "--disable-access-log-for-endpoints",
    "--enable-request-id-headers",
    "--disable-fastapi-docs",
    "--enable-flash-late-interaction",
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("form", ["{} x", "{}=x", "{}.part x"])
def test_a_refused_option_is_refused_in_every_spelling(name: str, form: str) -> None:
    for spelling in (name, name.replace("-", "_").replace("__", "--", 1)):
        if spelling.startswith("_"):
            continue
        with pytest.raises(ValueError, match=r"may not be given to vLLM: .+ Remove it from the arguments after --"):
            check_flags(form.format(spelling).split())


def test_a_short_option_with_its_value() -> None:
    with pytest.raises(ValueError, match="-asc4"):
        check_flags(["-asc4"])


@pytest.mark.parametrize(
    "arguments", [["--max-model-len", "64"], ["--dtype=float32"], ["-tp", "2"], ["--scheduling-policy", "fcfs"]]
)
def test_other_options_are_vllm_s(arguments: list[str]) -> None:
    check_flags(arguments)


@pytest.mark.parametrize(
    ("arguments", "instead"),
    [
        (["--ssl-certfile", "cert.pem"], "GUARD_TLS_CERT"),
        (["--ssl-keyfile=key.pem"], "GUARD_TLS_KEY"),
        (["--ssl-ca-certs", "ca.pem"], "GUARD_TLS_CLIENT_CA"),
        (["--uds", "/run/x"], "--host 127.0.0.1"),
        (["--host", "::"], "GUARD_HOST"),
        (["--root-path", "/x"], "proxy"),
        (["--allowed-origins", '["*"]'], "GUARD_ALLOWED_ORIGINS"),
        (["--allow-credentials"], "GUARD_ALLOWED_ORIGINS"),
        (["--api-key", "x"], "guard-server keys create"),
    ],
)
def test_p2_and_p4_the_message_says_what_to_use_instead(arguments: list[str], instead: str) -> None:
    with pytest.raises(ValueError, match=instead):
        check_flags(arguments)


@pytest.mark.slow
def test_p2_no_option_of_vllm_s_listener_is_ignored() -> None:
    from vllm.entrypoints.launchers.cli_args import BaseFrontendArgs, FrontendArgs, make_arg_parser
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    # What `FrontendArgs` adds to its base is "host, port, and server-specific arguments like SSL, CORS, and HTTP settings".
    own = set(FrontendArgs.__dataclass_fields__) - set(BaseFrontendArgs.__dataclass_fields__)
    options = {f"--{name.replace('_', '-')}" for name in own}
    assert options - set(REFUSED) == _HARMLESS
    # Every name of a refused option is refused.
    parser: argparse.ArgumentParser = make_arg_parser(FlexibleArgumentParser(prog="vllm"))
    for action in parser._actions:
        names = set(action.option_strings)
        positive = {name for name in names if not name.startswith("--no-")}
        assert positive <= set(REFUSED) or not positive & set(REFUSED), names
