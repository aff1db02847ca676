"""Files of targets: JSON lines, or YAML like a policy file.

A line is the body of `POST /v1/forget-targets`, with an id: everything about a target. A policy file has no labels, requester,
legal basis, expiry and retention: an import of one leaves them as they are, an export omits them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import yaml

from classifiers import ForgetTarget
from server.api.bodies import validated
from server.api.models import TargetRequest
from server.errors import BadRequest, TooLarge
from server.http.body import JSON, BodyLimits, parse_json
from server.policy.file import PolicyError, load_policy
from server.store import StoredTarget, TargetDraft

MAX_TARGETS = 10_000
Format = Literal["jsonl", "yaml"]
MEDIA: dict[str, Format] = {
    "application/jsonl": "jsonl",
    "application/x-ndjson": "jsonl",
    "application/yaml": "yaml",
    "application/x-yaml": "yaml",
    "text/yaml": "yaml",
}
"""The format of each media type. Answers name the first type of a format (RFC 9512 for YAML)."""
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


@dataclass(frozen=True, slots=True)
class Entry:
    """A target in a file. `whole`: the file has all its fields, so none of an older version stays."""

    draft: TargetDraft
    whole: bool

    def over(self, old: StoredTarget) -> TargetDraft:
        """Return the draft of the target after an import over `old`."""
        draft = self.draft if self.whole else replace(old.draft(), target=self.draft.target, vectors=None)
        same = draft.target.examples == old.target.examples
        return replace(draft, vectors=old.vectors) if same else draft


def read_targets(raw: bytes, kind: Format, limits: BodyLimits) -> tuple[list[Entry], list[str]]:
    """Return the targets in a file, and warnings. This takes long: call it from a thread.

    Raises:
        BadRequest: the file has a mistake; the message has the line of the first.
        TooLarge: the file has more than `MAX_TARGETS` targets.
    """
    entries, warnings = _from_yaml(raw) if kind == "yaml" else (list(_from_lines(raw, limits)), [])
    if len(entries) > MAX_TARGETS:
        raise TooLarge(f"The file has {len(entries)} targets, and an import takes at most {MAX_TARGETS}. Split the file.")
    return entries, warnings


def written(targets: Iterable[StoredTarget], kind: Format) -> Iterator[str]:
    """Give the targets as parts of a file, for YAML without the head (`HEADS`)."""
    for stored in targets:
        if kind == "yaml":
            yield yaml.dump([policy_entry(stored.target)], Dumper=_DUMPER, allow_unicode=True, sort_keys=False, width=2**20)
        else:
            document = TargetRequest.of(stored.draft()).model_dump(mode="json", exclude_defaults=True)
            yield json.dumps({"id": stored.id, **document}, ensure_ascii=False) + "\n"


HEADS: dict[Format, tuple[str, str]] = {"jsonl": ("", ""), "yaml": ("version: 1\ntargets:\n", "version: 1\ntargets: []\n")}
"""How a file with targets begins, and a whole file without."""


def policy_entry(target: ForgetTarget) -> dict[str, Any]:
    """Return a target as an entry of a policy file, without the fields that have their default."""
    document = target.model_dump(mode="json", exclude_defaults=True)
    if "phrases" in document:
        usual = {"match": "word", "beta": 1.0, "force": False}
        document["phrases"] = [{k: v for k, v in p.items() if usual.get(k) != v} for p in document["phrases"]]
    return document


def _from_yaml(raw: bytes) -> tuple[list[Entry], list[str]]:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest(f"The file is not valid UTF-8 (byte {error.start}).", code="invalid_yaml") from None
    try:
        policy = load_policy(text, name="line")
    except PolicyError as error:
        more = f" (and {len(error.problems) - 1} more)" if len(error.problems) > 1 else ""
        message = f"line {error.line}: {error.problems[0]}{more}"
        raise BadRequest(message, param=error.path or None, code="invalid_yaml") from None
    warnings = ["`background` was not imported: it is not part of a target"] if policy.background else []
    return [Entry(TargetDraft(target), whole=False) for target in policy.targets], warnings


def _from_lines(raw: bytes, limits: BodyLimits) -> Iterator[Entry]:
    first: dict[str, int] = {}
    for number, line in enumerate(raw.split(b"\n"), 1):
        if not line.strip():
            continue
        where = f"line {number}: "
        try:
            value = parse_json(line, content_type=JSON, content_encoding=None, limits=limits)
        except BadRequest as error:
            raise BadRequest(where + error.message, code=error.code) from None
        asked = validated(TargetRequest, value, where)
        if asked.id is None:
            raise BadRequest(f"{where}id: missing", param="id", code="invalid_value")
        if first.setdefault(asked.id, number) != number:
            raise BadRequest(f"{where}id: the same as in line {first[asked.id]}", param="id", code="invalid_value")
        yield Entry(asked.draft(asked.id), whole=True)
