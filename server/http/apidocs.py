"""/docs: a page on which a browser shows the API's description. All of its files come from this server.

vLLM's package has the files of Swagger UI, for its own page. FastAPI's page would load them from the internet.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

_FILES: Final = ("swagger-ui-bundle.js", "swagger-ui.css")


def install(app: FastAPI) -> None:
    """Add the page and its files to `app`.

    Raises:
        ValueError: The installed vLLM has no such files.
    """
    folder = _folder()
    # Addresses without a leading slash, so that the page works behind a proxy that puts a path before the server's.
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title=f"{app.title}: the API",
        swagger_js_url=f"docs/{_FILES[0]}",
        swagger_css_url=f"docs/{_FILES[1]}",
        swagger_favicon_url="data:,",
        # Swagger UI would send the description's address to a site that checks it.
        swagger_ui_parameters={"validatorUrl": None},
    )

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return page

    @app.get("/docs/{file}", include_in_schema=False)
    async def files(file: str) -> Response:
        if file not in _FILES:
            raise HTTPException(404)
        return FileResponse(folder / file)


def _folder() -> Path:
    found = find_spec("vllm")
    folder = Path(found.origin or "").parent / "entrypoints/serve/instrumentator/static" if found else Path()
    if not all((folder / file).is_file() for file in _FILES):
        raise ValueError("GUARD_DOCS: the installed vLLM has no files of Swagger UI. Leave GUARD_DOCS out.")
    return folder
