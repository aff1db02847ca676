"""Measure over-blocking by forms: `python -m evaluation.overblocking`.

It prints a table and writes build/overblocking.json; with `--small` it takes few answers and writes build/small.
"""

from __future__ import annotations

import argparse
import json

from evaluation.overblocking.measure import innocent, measure, table
from evaluation.overblocking.names import invented, known
from evaluation.results import add_small, results_folder


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_small(parser)
    options = parser.parse_args()
    answers = list(innocent(options.small))
    results = {"known": measure(known(), answers), "invented": measure(invented(), answers)}
    for name, found in results.items():
        print(f"\n{name} names\n{table(found)}")
    (results_folder(options.small) / "overblocking.json").write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
