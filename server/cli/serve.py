"""`guard-server serve` and `ask`, which start an engine."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import typer
import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError
from rich.console import Console

from server.app import create_app
from server.cli.allocator import give_back_freed_memory
from server.cli.comparison import compare, compare_all, table
from server.cli.draining import DrainingServer
from server.cli.firstkey import first_key
from server.engine.checks import check_engine
from server.http.authentication import binding_allowed
from server.service import Service
from server.settings import Settings

# Seconds that connections may take to close once no request is in progress.
_TO_CLOSE_S = 5


def settings_from(**flags: Any) -> Settings:
    """Return the settings. Flags that are not None win over the environment. Exits with status 2 if a setting is not valid."""
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            name = ".".join(str(part) for part in problem["loc"])
            typer.echo(f"GUARD_{name.upper()} (--{name.replace('_', '-')}): {problem['msg']}", err=True)
        raise typer.Exit(2) from None


def serve(settings: Settings, samples: Sequence[str]) -> None:
    """Serve until the process is told to stop.

    Exits with status 2 if the policy or a setting is not valid, the engine could not start with the model or the arguments, or
    there are no API keys and the address is not a loopback address; with status 3 if it cannot listen on the address; with status
    1 if the guard cannot be started or proven.
    """
    give_back_freed_memory()
    # The store is opened only if the answer matters: opening it would create it.
    if settings.admin_key_file or not binding_allowed(settings.host, any_keys=False):
        try:
            any_keys = first_key(settings)
        except ValueError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(2) from None
        except Exception as error:
            _fail(error)
        if not binding_allowed(settings.host, any_keys):
            typer.echo(
                f"There are no API keys, so the server may not listen on {settings.host}, only on a loopback address. "
                "Make a key first: guard-server keys create --role admin --name ... In a container, put a key into a file and "
                "name it in GUARD_ADMIN_KEY_FILE.",
                err=True,
            )
            raise typer.Exit(2)
    application = _application(settings)
    config = uvicorn.Config(
        application,
        host=settings.host,
        port=settings.port,
        log_level=settings.log_level.lower(),
        access_log=False,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        ssl_ca_certs=str(settings.tls_client_ca) if settings.tls_client_ca else None,
        ssl_cert_reqs=ssl.CERT_REQUIRED if settings.tls_client_ca else ssl.CERT_NONE,
        timeout_graceful_shutdown=_TO_CLOSE_S,
    )
    try:
        config.load()
    except OSError as error:  # an ssl.SSLError is one
        typer.echo(
            f"GUARD_TLS_CERT, GUARD_TLS_KEY or GUARD_TLS_CLIENT_CA: {error.strerror or error}. Name PEM files that this user may "
            "read: a certificate with its chain, its private key without a password, and authorities.",
            err=True,
        )
        raise typer.Exit(2) from None
    # The port is bound before anything slow begins, so that a port in use shows at once.
    with _listening(config) as listening:
        failure = asyncio.run(_serve(DrainingServer(config, settings.drain_timeout), listening, application, samples))
    if failure:
        _fail(failure)


def ask(settings: Settings, question: str) -> None:
    """Print the answers to a question, without and with the guard. Exits like `serve`.

    With a policy file, `ask` uses a temporary store, unless the settings name one. In the server's own store, the file would
    replace the policy that the server enforces.
    """
    with tempfile.TemporaryDirectory(prefix="guard-server-") as folder:
        if settings.policy and not settings.model_fields_set & {"data_dir", "database"}:
            settings = settings.model_copy(update={"data_dir": Path(folder)})
        application = _application(settings)

        async def answer() -> None:
            service: Service = application.state.service
            async with application.router.lifespan_context(application):
                await service.settled()
                Console().print(table([await compare(service, question)]))

        try:
            asyncio.run(answer())
        except Exception as error:
            _fail(error)


def _application(settings: Settings) -> FastAPI:
    logging.basicConfig(level=settings.log_level.upper(), format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    # httpx would log a line for every call to the engine's application.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        application = create_app(settings)
        check_engine(settings)
        return application
    except ValueError as error:  # a PolicyError is one
        typer.echo(str(error), err=True)
    except OSError as error:
        typer.echo(f"GUARD_AUDIT_KEY: {error.filename} cannot be read ({error.strerror}): name a file with the key", err=True)
    raise typer.Exit(2)


def _listening(config: uvicorn.Config) -> socket.socket:
    try:
        return config.bind_socket()
    except SystemExit as error:  # uvicorn has logged the reason
        typer.echo(
            f"The server cannot listen on {config.host} port {config.port}: choose another port with --port (0 picks a free "
            "one), or another address with --host.",
            err=True,
        )
        raise typer.Exit(int(error.code or 1)) from None


def _fail(error: Exception) -> NoReturn:
    typer.echo(f"guard-server stopped: {error}", err=True)
    raise typer.Exit(1) from None


async def _serve(
    server: DrainingServer, listening: socket.socket, application: FastAPI, samples: Sequence[str]
) -> Exception | None:
    service: Service = application.state.service

    async def announce() -> None:
        try:
            await service.settled()
            comparisons = await compare_all(service, samples)
        except Exception as error:
            service.failure = service.failure or error
            server.should_exit = True
            return
        if server.should_exit or not server.started:
            return
        if comparisons:
            Console().print(table(comparisons))
        host, port = listening.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        scheme = "https" if server.config.is_ssl else "http"
        print(f"guard-server listens on {scheme}://{shown}:{port}/v1 (model {service.running.model})", flush=True)
        # The service ends by itself only if the engine dies: then there is nothing to serve.
        await service.ended()
        server.should_exit = True

    announcing = asyncio.create_task(announce())
    server.draining = service.draining
    await server.serve(sockets=[listening])
    announcing.cancel()
    return service.failure
