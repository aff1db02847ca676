"""The figures of a trial: percentiles, and JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return `count`, `p50`, `p99` and `max`; each of the last three is one of the values (nearest rank).

    No values have a `count` alone.
    """
    if not values:
        return {"count": 0}
    ordered = sorted(values)
    p50, p99 = (ordered[math.ceil(share * len(ordered)) - 1] for share in (0.5, 0.99))
    return {"count": len(ordered), "p50": p50, "p99": p99, "max": ordered[-1]}


def tell(found: Any, record: Path | None) -> None:
    """Print what was found, and also write it to the file `record`, if it is not None. Raises OSError if that fails."""
    text = json.dumps(found, indent=1)
    # First, so that a file that cannot be written loses nothing.
    print(text, flush=True)
    if record:
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(text + "\n")
