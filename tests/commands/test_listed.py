"""The reader of the documentation finds commands, and nothing else."""

from __future__ import annotations

from tests.commands.listed import PAGES, commands_in, documented_commands, make_targets

TEXT = """
Text with `make thing X=1`, a path `a/b`, `GUARD_PORT=1 make serve`, and `make`.

    tool first --flag    # a comment
    curl http://x -d '{
      "a": 1}'

    {"an answer":
     "of two lines"}

And more:

```sh
python -m package.module
```

```yaml
not: a command
```
"""


def test_commands_are_found_in_their_order() -> None:
    assert commands_in(TEXT) == [
        "make thing X=1",
        "GUARD_PORT=1 make serve",
        "tool first --flag",
        "curl http://x -d '{\n  \"a\": 1}'",
        "python -m package.module",
    ]


def test_all_pages_are_read() -> None:
    assert {"README.md", "docs/operating.md", "docs/policy.md", "CONTRIBUTING.md"} <= set(PAGES)
    found = documented_commands()
    assert {"make serve", ".venv/bin/guard-server audit verify", "make requirements"} <= set(found)
    assert len(found) == len(set(found))


def test_targets_are_found() -> None:
    assert {"serve", "test", "commands", "clean"} <= set(make_targets())
