"""The guard's arguments of a request: the restrictions that apply to it, and a name for the count of its suppressed tokens.

Both are in the request's `vllm_xargs`. `"guard": [...]` is a list of digests of restrictions, or has the one word `refuse`, under
which the engine says nothing. An empty list means that the front end has screened the request and no restriction applies. A
missing list means that it has not screened the request, which is an error. `"guard_id": "..."` is the name; without it nothing
is counted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from guard.errors import ArgumentError

KEY = "guard"
NAME = "guard_id"
HITS = "guard_hits"
AVOID = "guard_avoid"
ALLOW = "guard_allow"
REFUSE = "refuse"
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
