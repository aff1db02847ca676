"""Measure detection, and write build/detection.json and a record.

python -m evaluation.detection [--record [NAME]] [--no-growth]
"""

from __future__ import annotations

import argparse
import datetime
import json
from pathlib import Path


def main() -> None:
    """Measure, write the results, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    parser.add_argument("--record", nargs="?", const=today, help="keep the record, under this name or today's date")
    parser.add_argument("--no-growth", action="store_true", help="leave out the growth from one target to ten thousand")
    options = parser.parse_args()
    from server.environment import share_processor

    share_processor()
    from classifiers import SentenceEncoder
    from evaluation.detection import extraction, growth, measure, record
    from evaluation.detection.sets import TOFU
    from evaluation.speed import screening

    encoder = SentenceEncoder()
    results = measure.measure(encoder)
    results["extraction"] = extraction.measure(TOFU)
    results["growth"] = [] if options.no_growth else growth.grow(encoder)
    results["latency_ms"] = screening.measure()
    Path("build").mkdir(exist_ok=True)
    Path("build/detection.json").write_text(json.dumps(record.keys(results), indent=1) + "\n")
    name = options.record or "latest"
    folder = record.FOLDER if options.record else Path("build")
    folder.mkdir(exist_ok=True)
    record.plot(results, folder / f"{name}.png")
    (folder / f"{name}.md").write_text(record.table(results, name))
    print(record.table(results, name))


if __name__ == "__main__":
    main()
