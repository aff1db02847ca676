"""What a run has measured so far, one file per system: a run that was cut off goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def fingerprint(packages: Sequence[str] = ("guard", "classifiers", "server")) -> str:
    """Return the SHA-256 (hex) of the source files of these packages: answers of other code are measured again."""
    digest = hashlib.sha256()
    for package in packages:
        for path in sorted((Path(__file__).parents[2] / package).rglob("*.py")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


class Partial:
    """The parts of one system's measurement, in a JSON file.

    Args:
        path: The file. Its folder exists.
        setup: Everything that the parts depend on. Parts of another setup are dropped.
    """

    def __init__(self, path: Path, setup: dict[str, Any]) -> None:
        self._path = path
        # As it comes back from the file: tuples are lists there.
        self._held: dict[str, Any] = {"setup": json.loads(json.dumps(setup)), "parts": {}}
        if path.is_file():
            held = json.loads(path.read_text(encoding="utf-8"))
            if held["setup"] == self._held["setup"]:
                self._held = held

    def __contains__(self, part: str) -> bool:
        return part in self._held["parts"]

    def __getitem__(self, part: str) -> Any:
        return self._held["parts"][part]

    def __setitem__(self, part: str, value: Any) -> None:
        """Keep a part, and write the file. `value` consists of lists, numbers, texts and such."""
        self.update({part: value})

    def update(self, parts: Mapping[str, Any]) -> None:
        """Keep several parts, and write the file once."""
        self._held["parts"].update(parts)
        written = self._path.with_suffix(".new")
        written.write_text(json.dumps(self._held, ensure_ascii=False), encoding="utf-8")
        written.replace(self._path)  # so that a run that is killed leaves the earlier parts
