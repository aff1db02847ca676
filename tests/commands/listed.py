"""What there is to run: the Makefile's targets and the documentation's commands, read from these files themselves."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
# The README first: what it tells a reader to do comes before what the other pages do with it.
PAGES = ("README.md", *sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")), "CONTRIBUTING.md")

# What makes a piece of inline code a command and not a name; an indented line is one whatever it begins with.
_INLINE = re.compile(r"(?:[A-Z_]+=\S+ )*(?:make|curl|docker|python -m|guard-server|\.venv/bin/\S+) [^`]+")


def make_targets() -> list[str]:
    """Return the targets that the Makefile declares as phony, and those it defines beside them."""
    text = (ROOT / "Makefile").read_text("utf-8")
    phony = {name for line in re.findall(r"^\.PHONY:(.*)", text, re.MULTILINE) for name in line.split()}
    return sorted(phony | set(re.findall(r"^([a-z][\w-]*):(?!=)", text, re.MULTILINE)))


def documented_commands() -> list[str]:
    """Return the commands of all pages in their order, each once."""
    return list(dict.fromkeys(one for page in PAGES for one in commands_in((ROOT / page).read_text("utf-8"))))


def commands_in(text: str) -> list[str]:
    """Return the commands of a page in its order, each once, in one line as far as it has one.

    These are the indented lines (but not JSON, which is an answer), shell fences, and inline code that begins with a program of
    this project or with make, curl, docker or `python -m`.
    """
    return list(dict.fromkeys(_commands(text)))


def _commands(text: str) -> Iterator[str]:
    fence: str | None = None
    pending = ""
    answer = False
    for line in text.splitlines():
        if line.startswith("```"):
            fence = line.removeprefix("```").strip() if fence is None else None
            continue
        in_shell = fence is not None and fence in ("", "sh", "bash", "shell", "console")
        if fence is not None and not in_shell:
            continue
        if in_shell or line.startswith("    "):
            part = line if in_shell else line[4:]
            # An answer, of one line or more, ends at the next line of text.
            answer = answer or (not pending and part.startswith("{"))
            if answer:
                continue
            pending = f"{pending}\n{part}" if pending else part
            if not pending.rstrip().endswith("\\") and _whole(pending):
                yield pending.partition("    #")[0].strip()
                pending = ""
            continue
        answer = False if line.strip() else answer
        yield from (one for one in re.findall(r"`([^`]+)`", line) if _INLINE.fullmatch(one))
    if pending:
        raise ValueError(f"a command does not end: {pending!r}")


def _whole(command: str) -> bool:
    try:
        shlex.split(command, comments=True)
    except ValueError:
        return False
    return True
