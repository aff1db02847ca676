"""What the model's tokenizer makes of the text of a prompt: readings of special tokens in it, and a bound of its tokens.

A fast tokenizer finds its special tokens in the text itself: it reads `Yr<|pad|>sa` as `Yr`, a token without letters, and `sa`.
The model sees a name with a gap, but a classifier that reads the letters finds another word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from classifiers.pauses import pause

# A special token may be written around another one, as in `<|p<|pad|>ad|>`, so the text without them is read again. How often.
_ROUNDS = 4
# How many characters are encoded at once to count tokens, and the most tokens that a cut, or the text around, may add to that.
_PIECE = 8192
_SEAM = 16


class TokenizerMethods:
    """The methods of an `Engine` that its tokenizer answers alone. `_tokenizer` is the tokenizer as vLLM loads it."""

    _tokenizer: Any
    _prompts: PromptTokenizer

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of token ids twice, one per line: with special tokens, and without them."""
        return "\n".join(str(self._tokenizer.decode(list(ids), skip_special_tokens=skip)) for skip in (False, True))

    def readings(self, text: str) -> list[str]:
        """Return the texts that the model may read in place of `text` (`PromptTokenizer.readings`)."""
        return self._prompts.readings(text)

    def least_tokens(self, text: str) -> int:
        """Return a lower bound of the number of tokens of `text` in a prompt (`PromptTokenizer.least_tokens`)."""
        return self._prompts.least_tokens(text)


class PromptTokenizer:
    """A copy of the tokenizer of the engine's model, which any thread may use."""

    def __init__(self, tokenizer: Any, context: int) -> None:
        """Copy a tokenizer. Takes up to a second if the vocabulary is large.

        Args:
            tokenizer: The tokenizer as vLLM loads it.
            context: The model's context in tokens.
        """
        self._context = context
        # vLLM's own bound. Without it only counting shows that a text is too long.
        self._longest: int | None = getattr(tokenizer, "max_chars_per_token", None)
        self._encode, self._decode = _functions(tokenizer)
        backend: Any = getattr(tokenizer, "backend_tokenizer", None)
        added = dict(backend.get_added_tokens_decoder()) if hasattr(backend, "get_added_tokens_decoder") else {}
        # An added token that is not special decodes to its own text: model and screener both read its letters.
        self._special = frozenset(tokenizer.all_special_ids) | {token for token, one in added.items() if one.special}
        written = {one.content: one.normalized for token, one in added.items() if token in self._special}
        written |= {text: False for text in map(str, getattr(tokenizer, "all_special_tokens", ())) if text not in written}
        normalizer = getattr(backend, "normalizer", None)
        self._normalize: Callable[[str], str] | None = None
        if normalizer is not None and any(written.values()):
            # The tokenizer looks for a token that is `normalized` in the normalized text, by the normalized form of the token.
            self._normalize = normalizer.normalize_str
            written |= {normalizer.normalize_str(text): False for text, normalized in written.items() if normalized}
        self._written = tuple(text for text in written if text)
        self._first = tuple({text[0] for text in self._written})

    def readings(self, text: str) -> list[str]:
        """Return the texts that the model may read in place of `text` if special tokens are written in it; [] if none are.

        They are the text without its special tokens, and the text with a space in place of each. If the first still has special
        tokens (one was written around another), they are removed in the same way.
        """
        found: dict[str, None] = {}
        for _ in range(_ROUNDS):
            if not self._may_hold_special(text):
                break
            parts = list(self._parts(self._encode(text)))
            if len(parts) == 1:
                break
            # The first of the two is read again. A text that is nothing but special tokens becomes "".
            text = "".join(parts)
            found |= dict.fromkeys([text, " ".join(parts)])
        return list(found)

    def least_tokens(self, text: str) -> int:
        """Return a lower bound of the number of tokens of `text` in a prompt; 0 if the text is too short to be worth counting.

        It is quick for any text. A text with more characters than fit into the context is not encoded. Any other one is encoded
        in pieces until it has more tokens than the context. White space at the ends of a piece does not count, because a template
        or a special token may remove it.
        """
        if len(text) <= self._context // 4:
            return 0
        text = text.strip()
        least = -(-len(text) // self._longest) if self._longest else 0
        if least > self._context:
            return least
        tokens = 0
        for at in range(0, len(text), _PIECE):
            pause()
            tokens += max(0, len(self._encode(text[at : at + _PIECE].strip())) - _SEAM)
            if tokens > self._context:
                break
        return max(least, tokens)

    def _may_hold_special(self, text: str) -> bool:
        """Return whether a special token may be written in `text`. It is quick, because almost no text has one."""
        if any(first in text for first in self._first) and any(written in text for written in self._written):
            return True
        if self._normalize is None:
            return False
        normal = self._normalize(text)
        return any(written in normal for written in self._written)

    def _parts(self, ids: Sequence[int]) -> Iterator[str]:
        """Yield the texts between special tokens, one more than there are special tokens."""
        part: list[int] = []
        for token in ids:
            if token in self._special:
                yield self._decode(part)
                part = []
            else:
                part.append(token)
        yield self._decode(part)


def knows_role(template: object, role: str) -> bool:
    """Return whether a chat template, or one of several by name, mentions a role. What is no template knows every role."""
    if isinstance(template, dict):
        return any(knows_role(each, role) for each in template.values())
    return not isinstance(template, str) or role in template


def _functions(tokenizer: Any) -> tuple[Callable[[str], Sequence[int]], Callable[[list[int]], str]]:
    """Return two functions: one encodes a text without adding special tokens, the other decodes ids.

    A fast tokenizer is copied, because vLLM sets the truncation of its own with every call, and that also affects later calls.
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
