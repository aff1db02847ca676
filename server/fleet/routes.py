"""The front end's routes for engines: to join, to hear what to hold and to fetch it, to acknowledge, and to renew a lease.

An engine shows a token that the operator gives to both sides. It is no API key: it opens these routes alone. All that the routes
know is in the store, so an engine may ask another front end each time. They answer as soon as the store is open, because a front
end is ready only once an engine serves.
"""

from __future__ import annotations

import hmac
import time
import uuid
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from server.engine.described import Described
from server.engine.remote import LEASE_S, Engines
from server.errors import BadRequest, Conflict, NotFound, Unauthorized
from server.http.body import BodyLimits, parse_json, read_body
from server.store import Database, Fleet, LeaseLost, Peers
from server.store.peers import ENGINE, JOINING

PREFIX = "/fleet"
_LIMITS = BodyLimits(bytes=1 << 20, depth=8)
_LONGEST_S, _LOOK_S = 5.0, 0.1
_ID, _DIGEST = 64, 64


class FleetRoutes:
    """The routes' handlers.

    Args:
        database: Returns the open store, or raises NotReady.
        engines: The engines of this front end.
        token: What engines have to show.
    """

    def __init__(self, database: Callable[[], Database], engines: Engines, token: str) -> None:
        self._database = database
        self._engines = engines
        self._token = token.encode()

    def routes(self) -> list[Route]:
        """Return the routes."""
        engine = f"{PREFIX}/engines/{{id}}"
        made = {
            ("POST", f"{PREFIX}/engines"): self.join,
            ("DELETE", engine): self.leave,
            ("GET", f"{engine}/policy"): self.policy,
            ("POST", f"{engine}/acknowledgement"): self.acknowledge,
            ("POST", f"{engine}/lease"): self.renew,
            ("GET", f"{PREFIX}/restrictions/{{digest}}"): self.restriction,
        }
        return [Route(path, handler, methods=[method], include_in_schema=False) for (method, path), handler in made.items()]

    async def join(self, request: Request) -> Response:
        """Let an engine join. Raises Conflict if it cannot be used."""
        self._admit(request)
        try:
            about = Described.of(await _object(request))
        except ValueError as error:
            raise BadRequest(f"{error}.", code="invalid_value") from None
        database = self._database()
        async with database.read() as session:
            serving = await Peers().living(session, ENGINE, await database.now(session))
        if reason := await self._engines.mismatch(about, serving):
            raise Conflict(f"This engine is not used: {reason}.", code="engine_refused")
        instance = f"engine-{uuid.uuid4().hex}"
        async with database.write(urgent=True) as session:
            now = await database.now(session)
            await Peers().register(session, instance, now, LEASE_S, kind=JOINING, about=about.told())
        return JSONResponse({"instance": instance, "lease_s": LEASE_S}, 201)

    async def leave(self, request: Request) -> Response:
        """Remove an engine: nobody waits for it any more."""
        self._admit(request)
        async with self._database().write(urgent=True) as session:
            await Peers().leave(session, _instance(request))
        return Response(status_code=204)

    async def policy(self, request: Request) -> Response:
        """Tell what has changed since a revision, as soon as something has, at the latest after `wait` seconds."""
        self._admit(request)
        since = _number(request, "since", 0, 2**31)
        until = time.monotonic() + min(_number(request, "wait", 0, 3600), _LONGEST_S)
        database = self._database()
        while True:
            async with database.read() as session:
                if not since or await Fleet().revision(session) > since or time.monotonic() >= until:
                    changes = await Fleet().changes(session, since)
                    break
            await self._engines.wait(min(_LOOK_S, max(0.0, until - time.monotonic())))
        told = {"revision": changes.revision, "needed": list(changes.needed), "dropped": list(changes.dropped)}
        return JSONResponse(told)

    async def restriction(self, request: Request) -> Response:
        """Return the file of a restriction. Its name is the sha256 of its content, so the engine checks it."""
        self._admit(request)
        digest = request.path_params["digest"]
        content = None
        if len(digest) == _DIGEST and digest.isascii() and digest.isalnum():
            async with self._database().read() as session:
                content = await Fleet().file(session, digest)
        if content is None:
            raise NotFound("No front end needs a restriction of this name any more.")
        return Response(content, media_type="application/octet-stream")

    async def acknowledge(self, request: Request) -> Response:
        """Note that an engine holds all that a revision asks for, and tell whether that is the latest.

        The first time that it is, the engine may serve, and from then on every change waits for it. Both are one transaction.
        """
        self._admit(request)
        revision = (await _object(request)).get("revision")
        if not isinstance(revision, int) or isinstance(revision, bool) or not 0 <= revision < 2**31:
            raise BadRequest("`revision` must be a number.", param="revision", code="invalid_value")
        database, instance = self._database(), _instance(request)
        try:
            async with database.write(urgent=True) as session:
                now = await database.now(session)
                await Peers().acknowledge(session, instance, revision, now)
                current = revision >= await Fleet().revision(session)
                if current:
                    await Peers().promote(session, instance, now)
        except LeaseLost:
            raise _over() from None
        return JSONResponse({"current": current})

    async def renew(self, request: Request) -> Response:
        """Make an engine's lease last from now."""
        self._admit(request)
        database = self._database()
        try:
            async with database.write(urgent=True) as session:
                await Peers().renew(session, _instance(request), await database.now(session), LEASE_S)
        except LeaseLost:
            raise _over() from None
        return JSONResponse({"lease_s": LEASE_S})

    def _admit(self, request: Request) -> None:
        """Raise Unauthorized unless the request shows the token."""
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(shown.strip().encode(), self._token):
            raise Unauthorized("Missing or wrong engine token.", headers={"WWW-Authenticate": "Bearer"})


def install(app: FastAPI, database: Callable[[], Database], engines: Engines, token: str) -> None:
    """Add the routes to an application."""
    app.router.routes.extend(FleetRoutes(database, engines, token).routes())


def _over() -> Conflict:
    # Others may have gone on without it.
    return Conflict("The engine has no lease: it must say nothing until it has joined anew.", code="lease_lost")


def _instance(request: Request) -> str:
    instance = str(request.path_params["id"])
    if not (instance.startswith("engine-") and len(instance) <= _ID and instance.isascii() and instance.isprintable()):
        raise NotFound("There is no such engine.")
    return instance


def _number(request: Request, name: str, least: int, most: int) -> int:
    value = request.query_params.get(name, "0")
    if not (value.isascii() and value.isdigit() and len(value) <= 10 and least <= int(value) <= most):
        raise BadRequest(f"`{name}` must be a number from {least} to {most}.", param=name, code="invalid_value")
    return int(value)


async def _object(request: Request) -> dict[str, Any]:
    raw = await read_body(request.receive, _LIMITS, request.headers.get("content-length"))
    kind, encoding = request.headers.get("content-type"), request.headers.get("content-encoding")
    return parse_json(raw, content_type=kind, content_encoding=encoding, limits=_LIMITS)
