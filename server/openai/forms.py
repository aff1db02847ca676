"""Forms: how chat completions and completions write the choices of an answer and of a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from server.answers.chunk import Piece

# Fields of a message or delta whose value is a text. vLLM 0.32 has `reasoning`, earlier versions have `reasoning_content`.
_MESSAGE_TEXTS: Final = ("reasoning", "reasoning_content", "content", "refusal")

_IDS: Final = ("token_ids", "prompt_token_ids")
# Keys that the choices of whole answers have and those of a stream lack.
_WHOLE: Final = frozenset({"message", "prompt_logprobs"})

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

    def saying(self, piece: Piece, text: str) -> Piece:
        """Return a piece of the same choice that says `text` and does not end the choice."""
        silent = self.silent(piece)
        return replace(silent, texts={**silent.texts, self.main: text})

    def prompt(self, body: Mapping[str, Any], choice: int) -> Sequence[int] | None:
        """Return the token ids of a choice's prompt, None if the chunk does not tell them."""
        ids: Sequence[int] | None = body.get("prompt_token_ids")
        for each in body.get("choices") or ():
            if each.get("index", 0) == choice and each.get("prompt_token_ids") is not None:
                ids = each["prompt_token_ids"]
        return ids

    def public(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return `body` without token ids outside its choices."""
        return _without_ids(body, whole=not str(body.get("object")).endswith(".chunk"))

    def cut(self, piece: Piece, fields: Mapping[str, int], tokens: int) -> Piece:
        """Return the beginning of a piece: some characters of its fields, the log probabilities of some tokens."""
        texts = {name: text[: fields.get(name, 0)] for name, text in piece.texts.items()}
        raw = dict(piece.raw)
        if raw.get("logprobs"):
            raw["logprobs"] = self._first(raw["logprobs"], tokens)
        if raw.get("token_ids"):
            raw["token_ids"] = raw["token_ids"][:tokens]
        return Piece(piece.choice, texts, raw={**raw, "finish_reason": None, "stop_reason": None})

    def unended(self, piece: Piece) -> Piece:
        """Return the last piece of a choice without its last token and without an end. The token is the server's own sign."""
        scored = (len(value) for value in (piece.raw.get("logprobs") or {}).values() if isinstance(value, list))
        tokens = max(len(piece.tokens), *scored, 1) - 1
        return self.cut(piece, {name: len(text) for name, text in piece.texts.items()}, tokens)

    def adopted(self, piece: Piece, like: Piece, offset: int, top: int = 0) -> Piece:
        """Return a piece of `/v1/completions` that continues an answer, in this form."""
        adopted = self.saying(like, piece.texts.get("text", ""))
        raw = {**adopted.raw, "token_ids": list(piece.tokens)}
        if piece.raw.get("logprobs"):
            raw["logprobs"] = self._logprobs(piece.raw["logprobs"], offset, top)
        return replace(adopted, raw=raw, finish_reason=piece.finish_reason, stop_reason=piece.stop_reason)

    def joined(self, pieces: Sequence[Piece]) -> Piece:
        """Return one piece that says what `pieces` of one choice say one after the other, and ends as the last one does."""
        texts: dict[str, str] = {}
        for piece in pieces:
            for name, text in piece.texts.items():
                texts[name] = texts.get(name, "") + text
        raw = dict(pieces[0].raw)
        parts = [piece.raw["logprobs"] for piece in pieces if piece.raw.get("logprobs")]
        if parts:
            raw["logprobs"] = self._together(parts)
        return replace(pieces[-1], texts=texts, raw=raw)

    def _choice(self, piece: Piece) -> dict[str, Any]:
        choice = {**_without_ids(piece.raw, whole=not _WHOLE.isdisjoint(piece.raw)), "index": piece.choice}
        for key, value in (("finish_reason", piece.finish_reason), ("stop_reason", piece.stop_reason)):
            # A key that was absent and would be null stays absent.
            if value is not None or key in choice:
                choice[key] = value
        if piece.texts != dict(self._texts(choice)):
            self._set(choice, piece.texts)
        return choice

    @property
    def main(self) -> str:
        """The text field that a continued answer goes on with."""
        raise NotImplementedError

    def _first(self, logprobs: Mapping[str, Any], tokens: int) -> dict[str, Any]:
        """Return the log probabilities of the first `tokens` tokens."""
        return {name: value[:tokens] if isinstance(value, list) else value for name, value in logprobs.items()}

    def _together(self, parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {
            name: [entry for part in parts for entry in part.get(name) or ()] if isinstance(value, list) else value
            for name, value in parts[0].items()
        }

    def _logprobs(self, logprobs: Mapping[str, Any], offset: int, top: int) -> dict[str, Any]:
        """Return the log probabilities of a completion that continues a choice."""
        raise NotImplementedError

    def _texts(self, choice: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        raise NotImplementedError

    def _set(self, choice: dict[str, Any], texts: Mapping[str, str]) -> None:
        raise NotImplementedError

    def _nothing(self, choice: Mapping[str, Any]) -> dict[str, Any]:
        raise NotImplementedError


class CompletionForm(ChoiceForm):
    """The form of `/v1/completions`: a choice has one text field, `text`."""

    main = "text"

    def _logprobs(self, logprobs: Mapping[str, Any], offset: int, top: int) -> dict[str, Any]:
        return {**logprobs, "text_offset": [offset + at for at in logprobs.get("text_offset") or ()]}

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

    main = "content"

    def cut(self, piece: Piece, fields: Mapping[str, int], tokens: int) -> Piece:
        """Return the beginning of a piece. Tool calls of which nothing is left are dropped."""
        short = super().cut(piece, fields, tokens)
        raw = dict(short.raw)
        for key in ("message", "delta"):
            said = raw.get(key)
            if isinstance(said, dict) and said.get("tool_calls"):
                calls = [
                    call
                    for at, call in enumerate(said["tool_calls"])
                    if any(short.texts.get(f"tool_calls[{call.get('index', at)}].{part}") for part in ("name", "arguments"))
                ]
                raw[key] = {name: value for name, value in said.items() if name != "tool_calls"}
                if calls:
                    raw[key]["tool_calls"] = calls
        return replace(short, raw=raw)

    def _logprobs(self, logprobs: Mapping[str, Any], offset: int, top: int) -> dict[str, Any]:
        ranked = [
            sorted((step or {}).items(), key=lambda one: -one[1])[:top]
            for step in logprobs.get("top_logprobs") or [None] * len(logprobs["tokens"])
        ]
        return {
            "content": [
                {**_scored(*own), "top_logprobs": [_scored(*each) for each in others]}
                for *own, others in zip(logprobs["tokens"], logprobs["token_logprobs"], ranked, strict=True)
            ]
        }

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


def _scored(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode())}


def _without_ids(record: Mapping[str, Any], *, whole: bool) -> dict[str, Any]:
    """Return an answer or a choice without the ids of tokens, for which the server asks and no client does.

    As vLLM writes it, a whole answer has null in their place, and a stream has nothing.
    """
    return {key: None if key in _IDS else value for key, value in record.items() if key not in _IDS or whole or value is None}
