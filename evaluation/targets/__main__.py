"""Measure changes of a policy with many targets: `python -m evaluation.targets [--postgresql] [--count N]`.

It writes build/targets.json; with `--small` it takes eight targets and writes build/small/targets.json.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from evaluation.results import add_small, results_folder
from evaluation.targets import cluster
from evaluation.targets.figures import tell


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    cluster.add_database(parser)
    parser.add_argument("--count", type=int, default=10_000, help="number of targets to import")
    add_small(parser)
    options = parser.parse_args()
    made = subprocess.run([sys.executable, "-m", "evaluation.tinylm"], check=True, stdout=subprocess.PIPE, text=True)
    from server.environment import share_processor

    share_processor()
    from evaluation.targets.measure import ADDED, measure

    with cluster.database(options) as database:
        count, added = (8, 2) if options.small else (options.count, ADDED)
        results = measure(made.stdout.splitlines()[-1], database, count, added)
    tell(results, results_folder(options.small) / "targets.json")


if __name__ == "__main__":
    main()
