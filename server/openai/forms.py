"""Forms: how chat completions and completions write the choices of an answer and of a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from server.answers.chunk import Piece

# Fields of a message or delta whose value is a text. vLLM 0.32 has `reasoning`, earlier versions have `reasoning_content`.
_MESSAGE_TEXTS: Final = ("reasoning", "reasoning_content", "content", "refusal")

# What vLLM's last chunk of a choice has besides its text.
_END: Final = dict.fromkeys(("logprobs", "finish_reason", "stop_reason", "token_ids"))


class ChoiceForm:
    """The list of choices. Both routes have it; a subclass per route reads and writes one choice."""

    def read(self, body: Mapping[str, Any]) -> list[Piece]:
        """Return the pieces of a chunk in the order of its choices."""
        return [
            Piece(
                choice=choice.get("index", 0),
                texts=dict(self._texts(choice)),
                finish_reason=choice.get("finish_reason"),
                stop_reason=choice.get("stop_reason"),
                raw=choice,
            )
            for choice in body.get("choices") or ()
        ]

    def write(self, body: Mapping[str, Any], pieces: Sequence[Piece]) -> dict[str, Any]:
        """Return `body` with `pieces` as its choices."""
        return {**body, "choices": [self._choice(piece) for piece in pieces]}

    def silent(self, piece: Piece) -> Piece:
        """Return a piece of the same choice without text that does not end the choice."""
        # With the keys of `piece` and those that vLLM's last chunks have besides.
        raw = {**dict.fromkeys(piece.raw), "index": piece.choice, **self._nothing(piece.raw), **_END}
        return Piece(piece.choice, dict(self._texts(raw)), raw=raw)

    def _choice(self, piece: Piece) -> dict[str, Any]:
        choice = {**piece.raw, "index": piece.choice}
        for key, value in (("finish_reason", piece.finish_reason), ("stop_reason", piece.stop_reason)):
            # A key that was absent and would be null stays absent.
            if value is not None or key in choice:
                choice[key] = value
        if piece.texts != dict(self._texts(choice)):
            self._set(choice, piece.texts)
        return choice

    def _texts(self, choice: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        raise NotImplementedError

    def _set(self, choice: dict[str, Any], texts: Mapping[str, str]) -> None:
        raise NotImplementedError

    def _nothing(self, choice: Mapping[str, Any]) -> dict[str, Any]:
        raise NotImplementedError


class CompletionForm(ChoiceForm):
    """The form of `/v1/completions`: a choice has one text field, `text`."""

    def _texts(self, choice: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        if isinstance(choice.get("text"), str):
            yield "text", choice["text"]

    def _set(self, choice: dict[str, Any], texts: Mapping[str, str]) -> None:
        choice["text"] = texts.get("text", "")

    def _nothing(self, choice: Mapping[str, Any]) -> dict[str, Any]:
        return {"text": ""}


class ChatForm(ChoiceForm):
    """The form of `/v1/chat/completions`: a choice has a `message`, or in a stream a `delta`.

    The text fields are those of the message, and `tool_calls[N].name` and `tool_calls[N].arguments`, where N is the index of the
    call.
    """

    def _texts(self, choice: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        said = choice.get("delta") or choice.get("message") or {}
        for name in _MESSAGE_TEXTS:
            if isinstance(said.get(name), str):
                yield name, said[name]
        for at, call in enumerate(said.get("tool_calls") or ()):
            for part in ("name", "arguments"):
                text = (call.get("function") or {}).get(part)
                if isinstance(text, str):
                    yield f"tool_calls[{call.get('index', at)}].{part}", text

    def _set(self, choice: dict[str, Any], texts: Mapping[str, str]) -> None:
        key = "message" if "message" in choice else "delta"
        said = dict(choice.get(key) or {})
        for name in _MESSAGE_TEXTS:
            if name in texts:
                said[name] = texts[name]
            elif said.get(name) is not None:
                said[name] = None
        if said.get("tool_calls"):
            said["tool_calls"] = [self._call(call, call.get("index", at), texts) for at, call in enumerate(said["tool_calls"])]
        choice[key] = said

    def _nothing(self, choice: Mapping[str, Any]) -> dict[str, Any]:
        return {"message": {"role": "assistant", "content": ""}} if "message" in choice else {"delta": {}}

    def _call(self, call: Mapping[str, Any], at: int, texts: Mapping[str, str]) -> dict[str, Any]:
        function = dict(call.get("function") or {})
        for part in ("name", "arguments"):
            if function.get(part) is not None:
                function[part] = texts.get(f"tool_calls[{at}].{part}", "")
        return {**call, "function": function}
