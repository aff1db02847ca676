"""What the API's routes get: the context they work with, and the principal who sent the request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from server.http.authentication import Principal
from server.running import ApiContext
from server.store.keys import Role

# For the OpenAPI description alone: the authenticator reads the header.
_BEARER = HTTPBearer(auto_error=False, description="A key made by `guard-server keys create`.")


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
    async def admitted(request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]) -> Principal:
        return await (await context_of(request)).authenticator.admit(request.scope, role)

    return admitted


# Annotations of a route's parameters. The principal comes first: the key is checked before anything else is read.
Context = Annotated[ApiContext, Depends(context_of)]
Client = Annotated[Principal, Depends(_needs("client"))]
Auditor = Annotated[Principal, Depends(_needs("auditor"))]
Admin = Annotated[Principal, Depends(_needs("admin"))]
