"""The routes that would fetch or delete a response: the server stores none, and says so."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path

from server.api.base import ERRORS, ErrorEnvelope
from server.api.context import Client
from server.api.failures import ApiRoute
from server.errors import NotFound

router = APIRouter(prefix="/v1/responses", tags=["generation"], route_class=ApiRoute, responses={**ERRORS})
_SHOWN: dict[str, Any] = {
    "status_code": 404,
    "response_model": ErrorEnvelope,
    "response_description": "The server stores no responses",
}
_Id = Annotated[str, Path(alias="id")]


def _none() -> NotFound:
    return NotFound(
        "The server stores no responses, whatever `store` says, so there is none to fetch or to delete. Send the whole "
        "conversation in `input`.",
        param="id",
    )


@router.get("/{id}", **_SHOWN, summary="Fetch a response: 404, because none is stored")
async def fetch_response(_: Client, named: _Id) -> None:
    """Say that there is none."""
    raise _none()


@router.delete("/{id}", **_SHOWN, summary="Delete a response: 404, because none is stored")
async def delete_response(_: Client, named: _Id) -> None:
    """Say that there is none."""
    raise _none()
