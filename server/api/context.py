"""What the API's routes get: the context they work with, and the principal who sent the request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from server.http.authentication import Principal, client_of
from server.running import ApiContext
from server.store.keys import Role

# For the OpenAPI description alone: the authenticator reads the header.
_BEARER = HTTPBearer(auto_error=False, description="A key made by `guard-server keys create`.")
_Bearer = Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]


ContextProvider = Callable[[], ApiContext]
"""Returns the context, or raises NotReady."""


async def context_of(request: Request) -> ApiContext:
    """Return the context of the application that serves `request`, asked for once per request.

    Raises:
        NotReady: the server starts or stops, or does not know which policy is in force.
    """
    if not hasattr(request.state, "api"):
        provide: ContextProvider = request.app.state.api
        request.state.api = provide()
    context: ApiContext = request.state.api
    return context


def _needs(role: Role) -> Callable[..., Awaitable[Principal]]:
    async def admitted(request: Request, _: _Bearer) -> Principal:
        return await (await context_of(request)).authenticator.admit(request.scope, role)

    return admitted


def _placed(role: Role) -> Callable[..., AsyncIterator[Principal]]:
    async def placed(request: Request, _: _Bearer) -> AsyncIterator[Principal]:
        context = await context_of(request)
        principal = await context.authenticator.admit(request.scope, role)
        async with context.admission.place(client_of(principal, request.scope)):
            yield principal

    return placed


# Annotations of a route's parameters. The principal comes first: the key is checked before anything else is read.
Context = Annotated[ApiContext, Depends(context_of)]
Client = Annotated[Principal, Depends(_needs("client"))]
Auditor = Annotated[Principal, Depends(_needs("auditor"))]
Admin = Annotated[Principal, Depends(_needs("admin"))]
# The same for routes that screen: the request has one of its client's places (`server.http.admission`) until it is answered.
ScreeningClient = Annotated[Principal, Depends(_placed("client"))]
ScreeningAuditor = Annotated[Principal, Depends(_placed("auditor"))]
