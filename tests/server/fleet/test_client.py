"""The engine's side of the front end's routes."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from server.fleet.client import FrontEnds, LeaseEnded, Refused, Told
from server.store import Database
from tests.server.fleet.conftest import Admitting, LeasedEngine, fronts_of, needed


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
