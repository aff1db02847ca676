"""vLLM's options that are refused, each with what to do instead."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

import pytest

from server.engine.flags import REFUSED, check_flags
from tests.server.engine.judged import ALLOWED

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
@pytest.mark.slow
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
    "arguments",
    [
        ["--max-model-len", "64"],
        ["--dtype=float32"],
        ["-tp", "2"],
        ["-dp", "2"],
        ["-dcp", "2"],
        ["--data-parallel-size=2"],
        ["--scheduling-policy", "fcfs"],
        ["--max-logprobs", "-1"],
    ],
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


@pytest.mark.parametrize(
    "arguments",
    [
        ["--data-parallel-size", "2", "--data-parallel-external-lb"],
        ["--data-parallel-hybrid-lb"],
        ["--data_parallel_rank=1"],
        ["-dpn", "1"],
        ["-dpb", "ray"],
        ["--data-parallel-size-local", "1"],
        ["--nnodes=2"],
        ["-n2"],
        ["-r", "1"],
        ["--distributed-executor-backend", "ray"],
    ],
)
def test_ranks_out_of_reach_are_refused(arguments: list[str]) -> None:
    with pytest.raises(
        ValueError, match=r"every rank runs on this machine.+--data-parallel-size or --tensor-parallel-size alone"
    ):
        check_flags(arguments)


def parser() -> argparse.ArgumentParser:
    """vLLM's own, as `server.engine.vllm` has it."""
    from vllm.entrypoints.launchers.cli_args import make_arg_parser
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    made: argparse.ArgumentParser = make_arg_parser(FlexibleArgumentParser(prog="vllm"))
    made.allow_abbrev = False
    return made


def positive(names: Iterable[str]) -> set[str]:
    return {name for name in names if not name.startswith("--no-")}


@pytest.mark.slow
def test_p2_no_option_of_vllm_s_listener_is_ignored() -> None:
    from vllm.entrypoints.launchers.cli_args import BaseFrontendArgs, FrontendArgs

    # What `FrontendArgs` adds to its base is "host, port, and server-specific arguments like SSL, CORS, and HTTP settings".
    own = set(FrontendArgs.__dataclass_fields__) - set(BaseFrontendArgs.__dataclass_fields__)
    options = {f"--{name.replace('_', '-')}" for name in own}
    assert options - set(REFUSED) == _HARMLESS


@pytest.mark.slow
def test_every_option_of_vllm_was_judged() -> None:
    allowed = [name for names in ALLOWED.values() for name in names.split()]
    assert len(set(allowed)) == len(allowed)
    assert set(allowed).isdisjoint(REFUSED)
    known = set[str]()
    for action in parser()._actions:
        names = positive(action.option_strings)
        known |= names
        # Every name of a refused option is refused.
        assert names <= set(REFUSED) or not names & set(REFUSED), names
    assert sorted(known - set(allowed) - set(REFUSED)) == [], (
        "judge these options of vLLM's: REFUSED, or tests/server/engine/judged.py"
    )
    assert sorted({*allowed, *REFUSED} - known) == [], "vLLM has no such options any more"


@pytest.mark.slow
def test_no_beginning_of_a_short_option_gets_past() -> None:
    made = parser()
    short = {name for action in made._actions for name in action.option_strings if not name.startswith("--")}
    for beginning in {name[:length] for name in short for length in range(2, len(name) + 1)}:
        meant = [beginning] if beginning in short else [name for name in short if name.startswith(beginning)]
        if len(meant) > 1:
            continue  # vLLM refuses what may mean several
        if meant[0] in REFUSED:
            with pytest.raises(ValueError, match="may not be given"):
                check_flags([beginning, "x"])
        else:
            check_flags([beginning, "x"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "form",
    [
        ["--additional-config", '{"guard": {"folder": "/x"}}'],
        ["--additional-config.guard.folder", "/x"],
        ["--additional-config.guard.folder=/x"],
        ["--additional_config.guard.folder", "/x"],
        ["--scheduler_cls", "x.Y"],
        ["--logits-processors=x:Y"],
        ["--as", "4"],
        ["-as", "4"],
        ["--config", "file.yaml"],
        ["--config=file.yaml"],
    ],
)
def test_no_form_in_which_vllm_reads_an_option_gets_past(form: list[str]) -> None:
    """Either the server refuses it, or vLLM does: it gives the option no other value."""
    try:
        check_flags(form)
    except ValueError:
        return
    with pytest.raises(SystemExit):
        parser().parse_args(["--model", "m", *form])
