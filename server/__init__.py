"""The server: OpenAI's routes in front of vLLM, an API for forget targets, and the command line.

The package loads `create_app` and `Settings` when they are first used, so that its import stays quick (`server.cli.main` says
why).
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
