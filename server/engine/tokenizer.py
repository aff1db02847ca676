"""What the model's tokenizer makes of a prompt's text: the readings that special tokens typed into it bring about.

A fast tokenizer looks for its special tokens in the text itself, so `Yr<|pad|>sa` is `Yr`, a token without letters, `sa`: to the
model a name with a gap, to whoever reads the letters another word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

# A special token may be typed around another one, `<|p<|pad|>ad|>`: the text without special tokens is read again this often.
_ROUNDS = 4
# Characters that are encoded at a time to count tokens, and the tokens that a cut, or what is around a text, may add to them.
_PIECE = 8192
_SEAM = 16


class PromptTokenizer:
    """The tokenizer of the engine's model, for the guard's own use from any thread."""

    def __init__(self, tokenizer: Any, context: int) -> None:
        """Copy `tokenizer`, as vLLM loads it; takes up to a second for a large vocabulary. `context`: the model's, in tokens."""
        self._context = context
        # vLLM's own bound; without one, no text is too long before its tokens are counted.
        self._longest: int | None = getattr(tokenizer, "max_chars_per_token", None)
        self._encode, self._decode = _functions(tokenizer)
        backend: Any = getattr(tokenizer, "backend_tokenizer", None)
        added = dict(backend.get_added_tokens_decoder()) if hasattr(backend, "get_added_tokens_decoder") else {}
        # An added token that is not special decodes to its own text: the model reads its letters, and so does the screener.
        self._special = frozenset(tokenizer.all_special_ids) | {token for token, one in added.items() if one.special}
        written = {one.content: one.normalized for token, one in added.items() if token in self._special}
        written |= {text: False for text in map(str, getattr(tokenizer, "all_special_tokens", ())) if text not in written}
        normalizer = getattr(backend, "normalizer", None)
        self._normalize: Callable[[str], str] | None = None
        if normalizer is not None and any(written.values()):
            # A token that is `normalized` is looked for in the normalized text, in its own normalized form.
            self._normalize = normalizer.normalize_str
            written |= {normalizer.normalize_str(text): False for text, normalized in written.items() if normalized}
        self._written = tuple(text for text in written if text)
        self._first = tuple({text[0] for text in self._written})

    def readings(self, text: str) -> list[str]:
        """Return what the model reads in place of `text` if special tokens are typed into it; [] if none are.

        That is: the text without them, its parts joined, and the text with a space for each. Where that leaves special tokens
        again (one was typed around another), the same of the text without those.
        """
        found: dict[str, None] = {}
        for _ in range(_ROUNDS):
            if not self._may_hold_special(text):
                break
            parts = list(self._parts(self._encode(text)))
            if len(parts) == 1:
                break
            # Two: the same text may be read again, and one that is only special tokens is read as nothing.
            text = "".join(parts)
            found |= dict.fromkeys([text, " ".join(parts)])
        return list(found)

    def least_tokens(self, text: str) -> int:
        """Return a lower bound of the tokens that `text` is in a prompt; 0 for a text so short that it is not worth counting.

        Cheap for any text: one that has more characters than a context can have is not encoded, another one in pieces, until
        there are more tokens than fit into the context. White space at the ends of pieces does not count, for a template may
        take it away and a special token may.
        """
        if len(text) <= self._context // 4:
            return 0
        text = text.strip()
        least = -(-len(text) // self._longest) if self._longest else 0
        if least > self._context:
            return least
        tokens = 0
        for at in range(0, len(text), _PIECE):
            tokens += max(0, len(self._encode(text[at : at + _PIECE].strip())) - _SEAM)
            if tokens > self._context:
                break
        return max(least, tokens)

    def _may_hold_special(self, text: str) -> bool:
        """Whether a special token is written in `text`; cheap, for almost no text holds one."""
        if any(first in text for first in self._first) and any(written in text for written in self._written):
            return True
        if self._normalize is None:
            return False
        normal = self._normalize(text)
        return any(written in normal for written in self._written)

    def _parts(self, ids: Sequence[int]) -> Iterator[str]:
        """Yield the text between special tokens: one part more than there are special tokens."""
        part: list[int] = []
        for token in ids:
            if token in self._special:
                yield self._decode(part)
                part = []
            else:
                part.append(token)
        yield self._decode(part)


def _functions(tokenizer: Any) -> tuple[Callable[[str], Sequence[int]], Callable[[list[int]], str]]:
    """Return what encodes a text without the tokens that are put around it, and what decodes.

    vLLM sets truncation on its own tokenizer with every call, which holds for all calls that follow; hence a copy.
    """
    from tokenizers import Tokenizer

    backend = getattr(tokenizer, "backend_tokenizer", None)
    if isinstance(backend, Tokenizer):
        copy = Tokenizer.from_str(backend.to_str())
        copy.no_truncation()
        copy.no_padding()
        return (
            lambda text: copy.encode(text, add_special_tokens=False).ids,
            lambda ids: str(copy.decode(ids, skip_special_tokens=False)) if ids else "",
        )
    return (
        lambda text: list(tokenizer.encode(text, add_special_tokens=False)),
        lambda ids: str(tokenizer.decode(ids)) if ids else "",
    )
