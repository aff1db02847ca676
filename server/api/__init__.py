"""The API under /v1, except for the routes that generate: forget targets, policy, audit log, keys and screening.

`install` adds the routes to an application, `document` describes them.
"""

from __future__ import annotations

from fastapi import FastAPI

from server.api import audit, bulk, keys, policy, preview, report, screen, stored, targets
from server.api.context import ContextProvider
from server.api.openapi import document

__all__ = ["ContextProvider", "document", "install"]


def install(app: FastAPI, provider: ContextProvider) -> None:
    """Add the API's routes to `app`. `provider` returns what they work with; if it raises NotReady, every route answers 503."""
    app.state.api = provider
    for module in (bulk, preview, report, targets, policy, audit, keys, screen, stored):
        app.include_router(module.router)
