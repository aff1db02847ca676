"""What the API's routes work with, and who may use them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from server.http.authentication import Principal
from server.running import ApiContext
from server.store.keys import Role

# For the API's description only: what is in the header is read by the authenticator.
_BEARER = HTTPBearer(auto_error=False, description="A key made by `guard-server keys create`.")


ContextProvider = Callable[[], ApiContext]
"""Gives the context, or raises NotReady."""


async def context_of(request: Request) -> ApiContext:
    """Return the context of the application that serves `request`. Raises NotReady while the server starts."""
    provide: ContextProvider = request.app.state.api
    return provide()


def _needs(role: Role) -> Callable[..., Awaitable[Principal]]:
    async def admitted(request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]) -> Principal:
        return await (await context_of(request)).authenticator.admit(request.scope, role)

    return admitted


# As annotations of a route's parameters. A principal comes first: nothing of a request is read before its key.
Context = Annotated[ApiContext, Depends(context_of)]
Client = Annotated[Principal, Depends(_needs("client"))]
Auditor = Annotated[Principal, Depends(_needs("auditor"))]
Admin = Annotated[Principal, Depends(_needs("admin"))]
