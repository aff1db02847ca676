"""Measure, print, and write build/bench.json. Compare figures of one run only: the machine is noisy.

`--only demo` measures what a newcomer meets, `--only forms` what the forms of 100,000 names cost, `--only decoding` the
decode-time core against its rivals (a quarter of an hour). `--record` writes the latter's dated record. `--small` runs a little
of each and writes build/small, record and all. Nothing heavy is imported before `main`: vLLM's workers import this module again
(see `server.cli.main`).
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import sys

from evaluation.results import add_small, results_folder


def main() -> None:
    """Run the measurements that were asked for; all of them if none was."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.speed")
    parser.add_argument("--only", choices=("demo", "decoding", "forms"))
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100, 1_000, 10_000, 100_000], help="numbers of phrases")
    parser.add_argument("--no-rivals", action="store_true", help="leave out the rivals, which take half of the time")
    parser.add_argument("--record", nargs="?", const="", help="write evaluation/speed/record/DATE.*, or under another name")
    add_small(parser)
    options = parser.parse_args()
    folder = results_folder(options.small)
    from evaluation.speed import bench

    if options.only in (None, "demo"):
        bench.report(asyncio.run(bench.measure(bench.SMALL if options.small else bench.FULL)), folder)
    if options.only in (None, "forms"):
        from evaluation.speed import forms

        found = forms.measure(30, 60) if options.small else forms.measure(100_000)
        bench.merge({"forms": found}, folder)
        print(forms.table(found))
    if options.only in (None, "decoding"):
        from evaluation.speed import decoding, record

        effort = decoding.SMALL if options.small else decoding.Effort(tuple(options.sizes))
        results = decoding.measure(effort, with_rivals=not options.no_rivals)
        bench.merge(record.keys(results), folder)
        name = options.record or datetime.datetime.now(tz=datetime.UTC).date().isoformat()
        print(record.table(results, name))
        # The small form always writes a record, into a folder for trials.
        if options.record is not None or options.small:
            print(f"written to {record.write(results, name, folder if options.small else record.FOLDER)}")


if __name__ == "__main__":
    sys.exit(main())
