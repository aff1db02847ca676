"""The engine's side of the front end's routes."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from server.fleet.client import FrontEnds, LeaseEnded, Refused, Told
from server.fleet.options import Options
from server.store import Database
from tests.server.fleet.conftest import TOKEN, Admitting, LeasedEngine, fronts_of, needed


async def test_it_speaks_what_the_routes_understand(
    fronts: FrontEnds, database: Database, engine: LeasedEngine, tmp_path: Path
) -> None:
    (digest,) = await needed(database, tmp_path, "front", "tea")
    joined = await fronts.join(engine.about)
    assert joined.lease_s == 10.0
    assert await fronts.policy(joined.instance, 0) == Told(1, (digest,), ())
    assert await fronts.restriction(digest) == (tmp_path / f"{digest}.safetensors").read_bytes()
    assert await fronts.restriction("0" * 64) is None
    assert await fronts.acknowledge(joined.instance, 1)
    assert await fronts.renew(joined.instance) == 10.0
    await fronts.leave(joined.instance)
    with pytest.raises(LeaseEnded, match="joined anew"):
        await fronts.renew(joined.instance)


async def test_a_refusal_says_why(fronts: FrontEnds, engine: LeasedEngine, engines: Admitting) -> None:
    engines.reason = "it runs another vLLM"
    with pytest.raises(Refused, match="it runs another vLLM"):
        await fronts.join(engine.about)


async def test_a_wrong_token_is_an_error_like_a_front_end_that_is_away(front: FastAPI, engine: LeasedEngine) -> None:
    with pytest.raises(httpx.HTTPError, match="401"):
        await fronts_of(front, "wrong").join(engine.about)


async def test_an_engine_shows_its_certificate_where_the_front_end_asks_for_one(
    front: FastAPI, engine: LeasedEngine, certificate: tuple[str, str], tmp_path: Path
) -> None:
    cert, key = certificate
    config = uvicorn.Config(
        front,
        host="127.0.0.1",
        port=0,
        log_level="error",
        ssl_certfile=cert,
        ssl_keyfile=key,
        ssl_ca_certs=cert,
        ssl_cert_reqs=ssl.CERT_REQUIRED,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        (tmp_path / "token").write_text(TOKEN)
        environment = {
            "GUARD_SERVER_URL": f"https://127.0.0.1:{port}",
            "GUARD_ENGINE_TOKEN_FILE": str(tmp_path / "token"),
            "GUARD_SERVER_CA": cert,
        }
        without = FrontEnds(Options.read(environment))
        with pytest.raises(httpx.TransportError):
            await without.join(engine.about)
        stranger = FrontEnds(Options.read({**environment, "GUARD_SERVER_CA": ""}))
        with pytest.raises(httpx.TransportError, match=r"(?i)certificate"):
            await stranger.join(engine.about)
        shown = FrontEnds(Options.read({**environment, "GUARD_SERVER_CERT": cert, "GUARD_SERVER_KEY": key}))
        joined = await shown.join(engine.about)
        assert await shown.renew(joined.instance) == 10.0
        for each in (without, stranger, shown):
            await each.close()
    finally:
        server.should_exit = True
        await serving
