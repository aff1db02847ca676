"""The guard's arguments of a request: which restrictions hold for it, and under which name its suppressed tokens are counted.

The first travels as `vllm_xargs: {"guard": [...]}` and is a list of digests, or the one word `refuse`: say nothing at all. An
empty list means that the front end looked and found no restriction; no list means that nobody looked, and is an error. Beside it
may stand `"guard_id": "..."`, a name for the count; without one nothing is counted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from guard.errors import ArgumentError

KEY = "guard"
NAME = "guard_id"
REFUSE = "refuse"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def guard_argument(extra: Mapping[str, Any] | None) -> Sequence[str]:
    """Return the digests of a request's `extra_args`, or [REFUSE]. Raises ArgumentError if they are missing or malformed."""
    if not extra or KEY not in extra:
        raise ArgumentError("the guard argument is missing: this engine generates only what a guard has looked at")
    value = extra[KEY]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ArgumentError("the guard argument must be a list of restriction digests")
    if value == [REFUSE]:
        return value
    if not all(_DIGEST.fullmatch(item) for item in value):
        raise ArgumentError("the guard argument must be a list of restriction digests: 64 hexadecimal digits each")
    return value


def count_name(extra: Mapping[str, Any] | None) -> str | None:
    """Return the name in a request's `extra_args` under which its suppressed tokens are counted, None if there is none.

    Raises ArgumentError if it is malformed.
    """
    value = (extra or {}).get(NAME)
    if value is not None and not (isinstance(value, str) and _NAME.fullmatch(value)):
        raise ArgumentError("the name of the count must be 1 to 64 letters, digits, hyphens and underscores")
    return value
