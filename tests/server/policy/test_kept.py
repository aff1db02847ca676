"""What is kept of compiled targets is taken only if it is whole, of this code, and of the same targets."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from classifiers import ForgetTarget
from classifiers.semantic import SemanticSpec
from guard import Phrase, mapped
from guard.matching.listing import Listing
from server.policy import kept as module
from server.policy.kept import NAME, Kept, code, key_of

TARGET = ForgetTarget(id="a", name="Ada Byron", phrases=[Phrase("London", scope="gated")])
KEPT = Kept(
    [key_of(TARGET, ""), b"k" * 32], ["ab" * 32, None], Listing.of([[Phrase("Ada Byron"), Phrase("Byron Ada")], [Phrase("tea")]])
)


def same(one: Kept, other: Kept) -> bool:
    arrays = [{name: array.tobytes() for name, array in kept.listing.arrays().items()} for kept in (one, other)]
    return (one.keys, one.gated, arrays[0]) == (other.keys, other.gated, arrays[1])


def test_what_is_written_is_read(tmp_path: Path) -> None:
    KEPT.write(tmp_path)
    assert same(Kept.read(tmp_path), KEPT)
    assert KEPT.places() == {KEPT.keys[0]: [0], KEPT.keys[1]: [1]}
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_nothing_is_read_where_nothing_is_kept(tmp_path: Path) -> None:
    assert Kept.read(tmp_path).keys == ()
    KEPT.write(tmp_path)
    Kept().write(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert len(Kept.read(tmp_path).listing) == 0


def test_a_damaged_file_is_not_used(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    KEPT.write(tmp_path)
    content = (tmp_path / NAME).read_bytes()
    header = 8 + int.from_bytes(content[:8], "little")
    for damaged in (b"", content[:100], content[:-1], *(content[:k] + b"\xff" + content[k + 1 :] for k in (header, header + 30))):
        (tmp_path / NAME).write_bytes(damaged)
        caplog.clear()
        assert Kept.read(tmp_path).keys == ()
        assert "compiled anew" in caplog.text
        assert "Ada" not in caplog.text


def test_a_file_that_lacks_something_is_not_used(tmp_path: Path) -> None:
    arrays = dict(KEPT.listing.arrays())
    mapped.store(tmp_path / NAME, arrays, {"code": code(), "sha256": module._digest(arrays)})
    assert Kept.read(tmp_path).keys == ()


def test_what_other_code_kept_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    KEPT.write(tmp_path)
    monkeypatch.setattr(module, "code", lambda: "another")
    assert Kept.read(tmp_path).keys == ()


def test_where_it_cannot_be_written_no_older_one_remains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left")

    KEPT.write(tmp_path)
    monkeypatch.setattr(mapped, "store", full)
    with pytest.raises(OSError, match="no space"):
        KEPT.write(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_key_covers_all_that_decides_what_is_banned() -> None:
    changes: list[dict[str, object]] = [
        {"name": "Ada King"},
        {"aliases": ["Ada"]},
        *({"phrases": [phrase]} for phrase in (Phrase("London"), Phrase("Leeds", "gated"), Phrase("London", "gated", "prefix"))),
        *({"phrases": [Phrase("London", "gated", **more)]} for more in ({"penalty": 2.0}, {"beta": 0.9}, {"forms": ()})),  # type: ignore[arg-type]
        *({"forms": forms} for forms in ((), ("order",))),
        {"excepted": ["Ada Byron Street"]},
        {"action": "refuse"},
        *({"semantic": SemanticSpec(words=["poetry"], **more)} for more in ({}, {"delta": 0.9}, {"floor": 0.1}, {"weight": 1.0})),
    ]
    keys = [key_of(TARGET.model_copy(update=change), "") for change in changes]
    assert len({key_of(TARGET, ""), *keys}) == 1 + len(changes)
    assert key_of(TARGET.model_copy(update=changes[-1]), "other") != keys[-1]
    # What only says when a prompt is about the target, or what is answered, changes nothing.
    for change in ({"id": "b"}, {"documents": ["He was born."]}, {"say": "Nothing."}):
        assert key_of(TARGET.model_copy(update=change), "") == key_of(TARGET, "")
