"""Drill a fleet, and measure it: `python -m evaluation.fleet`.

Two `vllm serve` with the demo model and the plugin behind vLLM's router, two front ends and PostgreSQL, all on this machine. It
writes build/engines.json; with `--small` it does a little of everything. The status is 1 if something did not hold.
"""

from __future__ import annotations

import argparse
import datetime
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evaluation.results import add_small, results_folder
from evaluation.targets.figures import tell

PARTS = ("adds", "kills", "store", "load", "overhead", "cold")
RECORD = Path(__file__).parent / "record"


def run(parts: tuple[str, ...], folder: Path, minutes: float, small: bool) -> dict[str, Any]:
    """Run the parts, and return what each found. Raises what they raise."""
    from evaluation.demo.people import POLICY
    from evaluation.demo.served import demo_model
    from evaluation.fleet import cost, drills
    from evaluation.fleet.load import load
    from evaluation.fleet.whole import WholeFleet

    model = demo_model()
    found: dict[str, Any] = {}
    on_fleet: dict[str, Callable[[WholeFleet], dict[str, Any]]] = {
        "adds": lambda fleet: drills.adds(fleet, 4 if small else 100),
        "load": lambda fleet: load(fleet, minutes * 60),
        "kills": drills.kills,
        "store": drills.restarted,
    }
    if wanted := [name for name in on_fleet if name in parts]:
        with WholeFleet(model, folder / "fleet", policy=POLICY) as fleet:
            fleet.start()
            for name in wanted:
                found[name] = on_fleet[name](fleet)
                print(f"{name}: {found[name]}", file=sys.stderr)
    if "overhead" in parts:
        found["overhead"] = cost.overhead(model, folder / "overhead", 16 if small else 200, 1 if small else 3)
    if "cold" in parts:
        found["cold"] = cost.cold(model, folder / "cold", 50 if small else 10_000)
    return found


def main() -> int:
    """Run, print, write the figures, and return the status."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.fleet", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", choices=PARTS, action="append", help="a part; all if left out")
    parser.add_argument("--minutes", type=float, default=10, help="how long the load lasts")
    parser.add_argument("--record", action="store_true", help="write evaluation/fleet/record/DATE.json as well")
    add_small(parser)
    options = parser.parse_args()
    from evaluation.targets.wholeserver import end_by_sigterm

    end_by_sigterm()
    with tempfile.TemporaryDirectory() as folder:
        minutes = 0.2 if options.small else options.minutes
        found = run(tuple(options.only or PARTS), Path(folder), minutes, options.small)
    tell(found, results_folder(options.small) / "engines.json")
    if options.record:
        tell(found, RECORD / f"{datetime.datetime.now(tz=datetime.UTC).date().isoformat()}.json")
    return int(any(one["failures"] for one in found.values()))


if __name__ == "__main__":
    sys.exit(main())
