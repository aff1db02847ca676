"""The YAML that a policy file may use: text stays text, and nothing can grow or be called."""

import math
from pathlib import Path

import pytest
import yaml

from server.policy import document
from server.policy.file import MAX_BYTES, PolicyError, load_policy


@pytest.fixture(params=["libyaml", "python"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both of PyYAML's parsers: which one is there depends on how it was built."""
    if request.param == "python":
        monkeypatch.setattr(document, "_LOADER", yaml.SafeLoader)
    elif not hasattr(yaml, "CSafeLoader"):
        pytest.skip("PyYAML without libyaml")


TEXTS = [
    "NO",
    "on",
    "yes",
    "1815-12-10",
    "12:30",
    "1_000",
    "017",
    "089",
    "1e5",
    "1.0e5",
    "0E0",
    "0o17",
    "0x1F",
    "1e",
    "+",
    "-x",
    "<<",
    "=",
    "!x",
    "*",
    "5 apples",
]


@pytest.mark.parametrize("text", [text for text in TEXTS if text[0] not in "!*"])
def test_plain_text_stays_text(text: str) -> None:
    assert load_policy(f"version: 1\ntargets: []\nbackground:\n  - {text}\n").background == [text]


@pytest.mark.parametrize("text", [*TEXTS, "null", "true", "5", "1.5", ".inf", ""])
def test_quoted_text_is_text(text: str) -> None:
    assert load_policy(f"version: 1\ntargets: []\nbackground: [\"{text}\", '{text}']\n").background == [text, text]


PENALTIES = [
    *[("5", 5.0), ("+5", 5.0), (".5", 0.5), ("+2.", 2.0), ("2.5e-1", 0.25), (".inf", math.inf), ("+.INF", math.inf)],
    ("1e2", 100.0),  # text to YAML 1.1; pydantic reads it as the number that is wanted here
]


@pytest.mark.parametrize(("literal", "value"), PENALTIES)
def test_numbers(literal: str, value: float) -> None:
    read = load_policy(f"version: 1\ntargets: [{{id: a, name: b, phrases: [{{text: cc, penalty: {literal}}}]}}]")
    assert read.targets[0].phrases[0].penalty == value


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    "text", ["version: [1\n", "version: 1\n\ttargets: []\n", "version: '1\n", 'version: "\\q"\n', "a: b: c\n"]
)
def test_not_yaml(text: str) -> None:
    with pytest.raises(PolicyError, match="not valid YAML") as caught:
        load_policy(text)
    assert caught.value.line in (1, 2)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"absent\.yaml:1: cannot be read \(No such file"):
        load_policy(tmp_path / "absent.yaml")
    with pytest.raises(PolicyError, match="cannot be read"):
        load_policy(tmp_path)


def test_files_that_are_not_utf8(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_bytes("version: 1\ntargets: []\n# ü".encode() + b"\xff\n")
    with pytest.raises(PolicyError, match="not valid UTF-8") as caught:
        load_policy(file)
    assert (caught.value.line, caught.value.column) == (3, 4)


def test_files_that_are_too_large(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    with file.open("wb") as sparse:
        sparse.truncate(MAX_BYTES + 1)
    with pytest.raises(PolicyError, match="larger than 64 MiB"):
        load_policy(file)


def test_aliases_cannot_blow_up() -> None:
    rows = ["a: &a [x, x, x, x, x, x, x, x, x]"] + [
        f"{b}: &{b} [{', '.join(f'*{a}' for _ in range(9))}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    with pytest.raises(PolicyError, match="aliases are not allowed"):
        load_policy("\n".join(rows))
