"""Measure detection, and write build/detection.json and a record.

python -m evaluation.detection [--record [NAME]] [--no-growth]

`--small` asks some prompts about two authors and writes build/small.
"""

from __future__ import annotations

import argparse
import datetime
import json

from evaluation.results import add_small, results_folder


def main() -> None:
    """Measure, write the results, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    parser.add_argument("--record", nargs="?", const=today, help="keep the record, under this name or today's date")
    parser.add_argument("--no-growth", action="store_true", help="leave out the growth from one target to ten thousand")
    add_small(parser)
    options = parser.parse_args()
    from server.environment import share_processor

    share_processor()
    from classifiers import SentenceEncoder
    from evaluation.detection import extraction, growth, measure, record
    from evaluation.detection.sets import TOFU, Forget, Innocent
    from evaluation.speed import screening

    encoder = SentenceEncoder()
    effort = measure.SMALL if options.small else measure.FULL
    results = measure.measure(encoder, effort)
    results["extraction"] = extraction.measure(TOFU)
    grown = Forget("forget10", effort.authors), Innocent.load(effort.every)
    results["growth"] = [] if options.no_growth else growth.grow(encoder, *grown, *((growth.SMALL, 3) if options.small else ()))
    results["latency_ms"] = screening.measure(3, 2) if options.small else screening.measure()
    build = results_folder(options.small)
    (build / "detection.json").write_text(json.dumps(record.keys(results), indent=1) + "\n")
    name = options.record or "latest"
    folder = record.FOLDER if options.record and not options.small else build
    folder.mkdir(exist_ok=True)
    record.plot(results, folder / f"{name}.png")
    (folder / f"{name}.md").write_text(record.table(results, name))
    print(record.table(results, name))


if __name__ == "__main__":
    main()
