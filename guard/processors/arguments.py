"""The guard's arguments of a request. The front end puts them into the request's `vllm_xargs`, and the worker reads them.

- `"guard": [...]` is a list of digests of the restrictions that apply to the request, or has the one word `refuse`, under which
  the engine says nothing. An empty list means that the front end has screened the request and no restriction applies. A missing
  list means that it has not screened the request, which is an error.
- `"guard_id": "..."` is a name for the count of the request's suppressed tokens. Without it nothing is counted.
- `"guard_hits": 1` lets a hit end the answer: a step in which the model would have said what is banned
  (`guard.decoding.hitkernels`). Then only the dead end can be sampled, so the choice ends with `"finish_reason": "stop"` and the
  dead end's id as `stop_reason`. With 0, or without the argument, the bans act alone.
- `"guard_avoid": [...]` is a list of token ids that are banned in the first step of the answer, as long as nothing has been
  sampled. In that step no hit ends the answer. The list may be empty.
- `"guard_joins": 1` says that a client may have written special tokens into the text that the answer continues. They end no text
  there: a phrase may begin before one and go on behind it, in the answer too. With 0, or without the argument, a special token
  ends a text.
- `"guard_allow": [...]` is a list of texts that this answer may say although they are phrases (`guard.decoding.allowing`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from guard.decoding.allowing import patterns_of
from guard.errors import ArgumentError, PhraseError

KEY = "guard"
NAME = "guard_id"
HITS = "guard_hits"
AVOID = "guard_avoid"
ALLOW = "guard_allow"
JOINS = "guard_joins"
REFUSE = "refuse"
MOST = 4096
"""The most avoided tokens, and the most allowed texts."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def guard_argument(extra: Mapping[str, Any] | None) -> Sequence[str]:
    """Return the digests in a request's `extra_args`, or [REFUSE]. Raises ArgumentError if they are missing or malformed."""
    if not extra or KEY not in extra:
        raise ArgumentError(
            "the guard argument is missing: send the request to guard-server, which screens it and adds the argument"
        )
    value = extra[KEY]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ArgumentError("the guard argument must be a list of restriction digests, which are strings")
    if value == [REFUSE]:
        return value
    if not all(_DIGEST.fullmatch(item) for item in value):
        raise ArgumentError("the guard argument must be a list of restriction digests: 64 hexadecimal digits each")
    return value


def count_name(extra: Mapping[str, Any] | None) -> str | None:
    """Return the name in a request's `extra_args` under which its suppressed tokens are counted, None if there is none.

    Raises:
        ArgumentError: It is malformed.
    """
    value = (extra or {}).get(NAME)
    if value is not None and not (isinstance(value, str) and _NAME.fullmatch(value)):
        raise ArgumentError("the name of the count (guard_id) must be 1 to 64 letters, digits, hyphens and underscores")
    return value


def ends_at_hits(extra: Mapping[str, Any] | None) -> bool:
    """Return whether a hit may end the answer. Raises ArgumentError if the argument is neither 0 nor 1."""
    value = (extra or {}).get(HITS, 0)
    if not isinstance(value, int) or value not in (0, 1):
        raise ArgumentError("the argument for hits (guard_hits) must be 1 if a hit may end the answer, else 0")
    return bool(value)


def joins(extra: Mapping[str, Any] | None) -> bool:
    """Return whether special tokens end no text of the prompt. Raises ArgumentError if the argument is neither 0 nor 1."""
    value = (extra or {}).get(JOINS, 0)
    if not isinstance(value, int) or value not in (0, 1):
        raise ArgumentError("the argument for special tokens (guard_joins) must be 1 if they end no text, else 0")
    return bool(value)


def avoided(extra: Mapping[str, Any] | None) -> Sequence[int] | None:
    """Return the token ids that the answer must not begin with, None if there is no list of them.

    Raises:
        ArgumentError: It is no list of token ids, or has more than 4096.
    """
    value = (extra or {}).get(AVOID)
    if value is None:
        return None
    if not isinstance(value, list) or not all(type(item) is int and item >= 0 for item in value):
        raise ArgumentError("the avoided tokens (guard_avoid) must be a list of token ids, which are integers from 0 on")
    if len(value) > MOST:
        raise ArgumentError(f"{len(value)} avoided tokens (guard_avoid) are too many: list {MOST} at most")
    return value


def allowed_patterns(extra: Mapping[str, Any] | None) -> frozenset[str]:
    """Return the texts that the answer may say, as patterns (`guard.phrase.Phrase.pattern`).

    Raises:
        ArgumentError: They are no list of strings, more than 4096, or one of them cannot be a phrase.
    """
    value = (extra or {}).get(ALLOW)
    if value is None:
        return frozenset()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ArgumentError("the allowed texts (guard_allow) must be a list of strings")
    if len(value) > MOST:
        raise ArgumentError(f"{len(value)} allowed texts (guard_allow) are too many: list {MOST} at most")
    try:
        return patterns_of(value)
    except PhraseError as error:
        raise ArgumentError(f"an allowed text (guard_allow) cannot be a phrase: {error}") from error
