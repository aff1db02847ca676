"""`guard-server policy ...`, which asks a running server over REST."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NoReturn

import httpx
import typer

_MEDIA = {".jsonl": "application/jsonl", ".yaml": "application/yaml", ".yml": "application/yaml"}


def apply(url: str, key: str | None, file: Path, *, dry_run: bool) -> None:
    """Enforce the targets of a file, all or none; if `dry_run`, only show what would be done.

    Prints which targets are created and changed. Exits with status 1 if the server answers with an error, and with status 2 if
    the file cannot be read.
    """
    media = _MEDIA.get(file.suffix)
    if media is None:
        typer.echo(f"{file}: the name of a file of targets must end in .yaml, .yml or .jsonl", err=True)
        raise typer.Exit(2)
    try:
        content = file.read_bytes()
    except OSError as error:
        typer.echo(f"{file} cannot be read: {error.strerror}", err=True)
        raise typer.Exit(2) from None
    answer = _ask(
        url, key, "POST", "/v1/forget-targets:import", content=content, params={"dry_run": str(dry_run).lower()}, media=media
    ).json()
    for mark, ids in (("+", answer["created"]), ("~", answer["updated"])):
        for target_id in ids:
            print(mark, target_id)
    done = "nothing was done" if dry_run else f"enforced by snapshot {answer['snapshot']}"
    changed = f"{len(answer['created'])} new, {len(answer['updated'])} changed, {answer['unchanged']} unchanged"
    typer.echo("\n".join([*answer["warnings"], f"{changed}; {done}"]), err=True)


def export(url: str, key: str | None, kind: str) -> None:
    """Print all targets, as `yaml` or `jsonl`. Exits with status 1 if the server answers with an error."""
    sys.stdout.write(_ask(url, key, "GET", "/v1/forget-targets:export", params={"format": kind}).text)


def _ask(url: str, key: str | None, method: str, path: str, *, media: str | None = None, **arguments: Any) -> httpx.Response:
    headers = {**({"authorization": f"Bearer {key}"} if key else {}), **({"content-type": media} if media else {})}
    try:
        # An import of ten thousand targets takes minutes.
        answer = httpx.request(method, url.rstrip("/") + path, headers=headers, timeout=600, **arguments)
    except httpx.HTTPError as error:
        _fail(f"{url} does not answer: {type(error).__name__}")
    if answer.is_error:
        try:
            told = answer.json()["error"]
            _fail(f"{answer.status_code}: {told['message']}{' (' + told['param'] + ')' if told.get('param') else ''}")
        except (ValueError, KeyError, TypeError):
            _fail(f"{url} answered {answer.status_code}")
    return answer


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(1)
