"""The route that counts the tokens of a request for a message. Nothing is generated."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from server.engine.protocol import request
from server.errors import EngineFailure
from server.http.disconnect import unless_gone
from server.http.envelope import of_engine
from server.openai.route import GuardedRoute, Sender
from server.openai.telling import Telling

# The engine's route that applies the chat template, and what of a chat request shapes the prompt.
_PATH: Final = "/tokenize"
_FIELDS: Final[tuple[str, ...]] = (
    "model",
    "messages",
    "tools",
    "continue_final_message",
    "add_generation_prompt",
    "chat_template_kwargs",
)


class CountingRoute(GuardedRoute):
    """An ASGI endpoint that reads a request as the route that generates does, and returns the length of its prompt."""

    async def _serve(self, scope: Scope, receive: Receive, send: Send, sender: Sender, telling: Telling) -> None:
        running = self._service.running
        body, _ = await self._read(running, scope, receive, sender, telling)
        asked = {name: body[name] for name in _FIELDS if name in body}
        response = await unless_gone(request(running.engine.app, "POST", _PATH, asked), receive)
        told: dict[str, Any] = response.json()
        if response.status_code != 200:
            raise of_engine(response.status_code, told.get("error") or {}, self._dialect.prompt_field)
        if type(told.get("count")) is not int:
            raise EngineFailure("the engine did not count the tokens")
        await JSONResponse({"input_tokens": told["count"]})(scope, receive, send)
