"""vLLM's options that an operator may not give after `--`, and what to do instead.

Some would remove the guard or let clients get round it; this server sets them. Others concern vLLM's own listener and its own
routes, which this server does not use: it calls vLLM's application in its own process. An option without effect would be worse
than an error. Somebody who names a certificate must not serve plain HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

_TLS: Final = "give the files to guard-server itself: --tls-cert and --tls-key before --, or GUARD_TLS_CERT and GUARD_TLS_KEY"
_CLIENT_CA: Final = "use --tls-client-ca before --, or GUARD_TLS_CLIENT_CA: clients must then show a certificate"
_ADDRESS: Final = "use --host and --port before --, or GUARD_HOST and GUARD_PORT"
_ORIGINS: Final = "use GUARD_ALLOWED_ORIGINS"
_PROXY: Final = "let a proxy in front of the server do that"
_ROUTES: Final = "it is for a route of vLLM's that this server does not have"
_OWN: Final = "guard-server sets it, and another value would let requests get round the guard"
_PROCESS: Final = "guard-server runs vLLM's application in its own process"
_HERE: Final = (
    "every rank runs on this machine, as a process of this server's engine, because each must be told what to ban, must "
    "acknowledge it, and must end with the others: give --data-parallel-size or --tensor-parallel-size alone. For more machines "
    "start a server on each, on one store (GUARD_DATABASE)"
)
_CHANGES: Final = (
    "a rank that comes later would answer before it holds what the others hold: start the server again with another size"
)
_TEXT: Final = "the server screens text alone, and refuses requests with anything else"
_UNTRIED: Final = "the guard was not tested with it"

UNSAFE: Final[Mapping[str, str]] = {
    "--worker-cls": "the guard is an extension of vLLM's own worker, and another worker may not run it",
    "--scheduler-cls": "the guard was tested with vLLM's own scheduler, and another one may run requests without it",
    "--enable-trace-replay": "vLLM would say the tokens of the trace, whatever the guard bans",
    "--enable-prompt-embeds": "the server screens text, and cannot read embeddings",
    "--trust-request-chat-template": "the model would read another text than the server screens",
    "--trust-request-mm-kwargs": "the server screens text alone, and refuses these arguments",
    "--return-tokens-as-token-ids": "the server reads the texts of answers",
    "--skip-tokenizer-init": "the guard needs the tokenizer",
    "--runner": "the server serves models that generate text",
    "--convert": "the server serves models that generate text",
    "--enable-mm-embeds": _TEXT,
    "--io-processor-plugin": "its code would change prompts after they were screened",
    "--return-sampling-mask": "it would tell which tokens are banned",
    "--enable-batch-sharded-sampling": f"each worker would sample a part of the requests, and {_UNTRIED}",
    "--watermark-config": f"a watermark picks tokens itself, and {_UNTRIED}",
    "--diffusion-config": "the guard bans what may come next, and such a model does not write from left to right",
    "-dc": "the guard bans what may come next, and such a model does not write from left to right",
    "--middleware": "code in front of vLLM's application would see requests after they were screened, and could change them",
    "--enable-elastic-ep": _CHANGES,
    "--enable-fault-tolerance": "the server ends an engine with a broken rank, and starts and proves another one",
}
"""Options that would undo the guard in any engine, each with the reason."""

REFUSED: Final[Mapping[str, str]] = {
    **UNSAFE,
    # What the server sets itself.
    "--model": "use --model before --, or GUARD_MODEL",
    "--logits-processors": _OWN,
    "--worker-extension-cls": _OWN,
    "--additional-config": _OWN,
    "--logprobs-mode": _OWN,
    "--config": "give its options one by one, so that they can be checked",
    # Ranks that the server would not reach.
    "--data-parallel-rank": _HERE,
    "-dpn": _HERE,
    "--data-parallel-start-rank": _HERE,
    "-dpr": _HERE,
    "--data-parallel-size-local": _HERE,
    "-dpl": _HERE,
    "--data-parallel-address": _HERE,
    "-dpa": _HERE,
    "--data-parallel-rpc-port": _HERE,
    "-dpp": _HERE,
    "--data-parallel-backend": _HERE,
    "-dpb": _HERE,
    "--data-parallel-hybrid-lb": _HERE,
    "-dph": _HERE,
    "--data-parallel-external-lb": _HERE,
    "-dpe": _HERE,
    "--data-parallel-multi-port-external-lb": _HERE,
    "-dpm": _HERE,
    "--distributed-executor-backend": f"vLLM chooses it. Another one may start workers elsewhere: {_HERE}",
    "--ray-workers-use-nsight": _HERE,
    "--nnodes": _HERE,
    "-n": _HERE,
    "--node-rank": _HERE,
    "-r": _HERE,
    "--master-addr": _HERE,
    "--master-port": _HERE,
    "--elastic-ep-max-dp-size": _CHANGES,
    "--fault-tolerance-config": "the server ends an engine with a broken rank, and starts and proves another one",
    # The listener.
    "--host": _ADDRESS,
    "--port": _ADDRESS,
    "--uds": "guard-server listens on TCP: use --host 127.0.0.1 before --, and let a proxy listen on the socket",
    "--ssl-keyfile": _TLS,
    "--ssl-certfile": _TLS,
    "--ssl-ca-certs": _CLIENT_CA,
    "--ssl-cert-reqs": _CLIENT_CA,
    "--ssl-ciphers": f"the server uses OpenSSL's own choice; if it must be another, {_PROXY}",
    "--enable-ssl-refresh": "start the server again after the certificate has changed",
    "--root-path": f"the server has no path of its own to add: {_PROXY}, and strip the path there",
    "--allowed-origins": _ORIGINS,
    "--allowed-methods": f"{_ORIGINS}, which allows all methods",
    "--allowed-headers": f"{_ORIGINS}, which allows all headers",
    "--allow-credentials": f"{_ORIGINS}; a key travels in the Authorization header, for which no credentials are needed",
    "--api-key": "make keys with `guard-server keys create`, or name a file in GUARD_ADMIN_KEY_FILE",
    "--uvicorn-log-level": "use GUARD_LOG_LEVEL",
    "--h11-max-incomplete-event-size": "GUARD_MAX_BODY_BYTES limits bodies; leave this out",
    "--h11-max-header-count": f"leave it out, or {_PROXY}",
    "--grpc": "the server speaks HTTP alone",
    "--grpc-port": "the server speaks HTTP alone",
    "--data-parallel-supervisor-port": _PROCESS,
    "--dp-supervisor-probe-interval-s": _PROCESS,
    "--dp-supervisor-probe-timeout-s": _PROCESS,
    "--dp-supervisor-probe-failure-threshold": _PROCESS,
    "--headless": _PROCESS,
    "--api-server-count": f"{_PROCESS}: start several servers on one store instead (GUARD_DATABASE)",
    "-asc": f"{_PROCESS}: start several servers on one store instead (GUARD_DATABASE)",
    # Routes that there are not.
    "--enable-offline-docs": _ROUTES,
    "--enable-server-load-tracking": _ROUTES,
    "--enable-tokenizer-info-endpoint": _ROUTES,
    "--enable-scale-out": _ROUTES,
    "--tokens-only": _ROUTES,
    "--tool-server": _ROUTES,
}
"""The options by name, each with the reason and what to do instead.

Options that ask for what this server does anyway, such as `--disable-fastapi-docs`, `--disable-uvicorn-access-log` and
`--enable-request-id-headers`, are not among them.
"""


_LIKE_REFUSED: Final = frozenset({"-dp", "-dcp"})
"""vLLM's short options that are not refused, although a refused one begins with them or is their beginning."""


def check_flags(arguments: Sequence[str]) -> None:
    """Check what an operator gives to vLLM.

    vLLM also takes an underscore for a hyphen, `--name=value`, and `--name.key value` for a part of a value. Of a short option it
    takes a beginning that no other one has.

    Raises:
        ValueError: One of the arguments is refused. The message says what to do instead.
    """
    for argument in arguments:
        written = argument.split("=")[0]
        name = written.split(".")[0].replace("_", "-")
        if reason := REFUSED.get(name) or _short(name):
            raise ValueError(f"{written} may not be given to vLLM: {reason}. Remove it from the arguments after --")


def _short(name: str) -> str | None:
    """Return the reason if a name is the beginning of a short option, or one with its value behind it."""
    if name.startswith("--") or not name.startswith("-") or len(name) == 1 or name in _LIKE_REFUSED:
        return None
    options = (option for option in REFUSED if not option.startswith("--"))
    return next((REFUSED[option] for option in options if name.startswith(option) or option.startswith(name)), None)
