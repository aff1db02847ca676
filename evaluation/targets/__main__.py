"""`python -m evaluation.targets [--database URL] [--count N]`: measure policy changes; write build/targets.json."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", help="URL of an empty store; SQLite in a folder of its own if not given")
    parser.add_argument("--count", type=int, default=10_000)
    options = parser.parse_args()
    made = subprocess.run([sys.executable, "-m", "evaluation.tinylm"], check=True, stdout=subprocess.PIPE, text=True)
    from server.environment import share_processor

    share_processor()
    from evaluation.targets.measure import measure

    results = measure(made.stdout.splitlines()[-1], options.database, options.count)
    Path("build").mkdir(exist_ok=True)
    Path("build/targets.json").write_text(json.dumps(results, indent=1) + "\n")
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
