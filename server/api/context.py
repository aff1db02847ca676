"""What the API's routes work with, and who may use them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from classifiers import Encoder, Thresholds
from classifiers.calibration import Calibration
from classifiers.innocent import Background
from guard import Vocabulary
from server.activation import Activation
from server.api.previewer import Previewer
from server.authentication import Authenticator, Principal
from server.body import BodyLimits
from server.decisionlog import DecisionLog
from server.store import Database
from server.store.audit import Audit
from server.store.keys import Role

# For the API's description only: what is in the header is read by the authenticator.
_BEARER = HTTPBearer(auto_error=False, description="A key made by `guard-server keys create`.")


@dataclass(frozen=True)
class ApiContext:
    """Everything behind the routes, once the server runs.

    `background` are the innocent prompts, the operator's and those that come with the package. `restrictions` is the
    folder of compiled restrictions. `vocabulary` gives the model's, for counting tokens, and `calibration` what is in force; each
    None where there is none.
    """

    database: Database
    activation: Activation
    authenticator: Authenticator
    audit: Audit
    encoder: Encoder
    restrictions: Path
    decisions: DecisionLog
    background: Background
    thresholds: Thresholds = field(default_factory=Thresholds)
    limits: BodyLimits = field(default_factory=BodyLimits)
    vocabulary: Callable[[], Vocabulary | None] = lambda: None
    calibration: Callable[[], Calibration | None] = lambda: None

    @cached_property
    def previewer(self) -> Previewer:
        """What previews targets; made when the first is asked for."""
        return Previewer(self.background, self.encoder, self.thresholds, self.vocabulary)


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
