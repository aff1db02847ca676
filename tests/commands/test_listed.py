"""The reader of the README finds commands, and nothing else."""

from __future__ import annotations

from tests.commands.listed import make_targets, readme_commands

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
    assert readme_commands(TEXT) == [
        "make thing X=1",
        "GUARD_PORT=1 make serve",
        "tool first --flag",
        "curl http://x -d '{\n  \"a\": 1}'",
        "python -m package.module",
    ]


def test_targets_are_found() -> None:
    assert {"serve", "test", "commands", "clean"} <= set(make_targets())
