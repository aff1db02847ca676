"""HTTP: OpenAI's routes in front of vLLM, screening, and the command line.

`create_app` and `Settings` are loaded when they are first asked for: `server.cli.main` says why importing
this package must stay light.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from server.app import create_app
    from server.settings import Settings

__all__ = ["Settings", "create_app"]


def __getattr__(name: str) -> Any:
    if name == "create_app":
        from server.app import create_app

        return create_app
    if name == "Settings":
        from server.settings import Settings

        return Settings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
