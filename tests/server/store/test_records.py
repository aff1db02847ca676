"""What the store is given and gives back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from classifiers import ForgetTarget
from server.store import StoredTarget, TargetDraft, TargetNotFound
from server.store.records import storable

TARGET = ForgetTarget(id="hatter", name="Mad Hatter")
AT = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def stored() -> StoredTarget:
    return StoredTarget(
        id="hatter",
        version=3,
        status="active",
        document=TARGET.model_dump(mode="json"),
        labels={"case": "17"},
        requester="R",
        legal_basis="Art. 17",
        retain_examples=False,
        expires_at=AT,
        created_at=AT,
        updated_at=AT,
        activated_at=AT,
        activated_snapshot=2,
        active_version=3,
        always_digest="a",
        gated_digest=None,
        vectors=b"v",
    )


@pytest.mark.parametrize("text", ["", "ü \U0001f426", "\n\t\x07"])
def test_text_that_can_be_stored(text: str) -> None:
    assert storable(text)


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "\udfff x"])
def test_text_that_no_database_can_hold(text: str) -> None:
    assert not storable(text)


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"requester": "\0"}, "requester"),
        ({"legal_basis": "\ud800"}, "legal_basis"),
        ({"labels": {"\0": "x"}}, "labels"),
        ({"labels": {"x": "\0"}}, "labels"),
    ],
)
def test_a_draft_that_cannot_be_stored_says_where(fields: dict[str, Any], place: str) -> None:
    with pytest.raises(ValueError, match=f"^{place} "):
        TargetDraft(TARGET, **fields)


def test_the_document_is_read_as_the_target(stored: StoredTarget) -> None:
    assert stored.target == TARGET


def test_the_entity_tag_is_the_version(stored: StoredTarget) -> None:
    assert stored.etag == '"3"'


def test_a_draft_says_what_the_version_says(stored: StoredTarget) -> None:
    assert stored.draft() == TargetDraft(TARGET, {"case": "17"}, "R", "Art. 17", False, AT, b"v")


def test_a_purged_target_is_a_tombstone(stored: StoredTarget) -> None:
    tombstone = replace(stored, document=None)
    assert (stored.purged, tombstone.purged) == (False, True)
    with pytest.raises(TargetNotFound):
        _ = tombstone.target


def test_a_phrase_that_an_earlier_version_took_stays_in_force(stored: StoredTarget) -> None:
    """It would be refused today, and a server must start with the store that it has."""
    document = {**TARGET.model_dump(mode="json"), "phrases": [{"text": "C++", "scope": "gated"}, {"text": "tea"}]}
    found = replace(stored, document=document).target
    assert [(one.text, one.scope, one.force) for one in found.phrases] == [("C++", "gated", True), ("tea", "always", True)]
    assert found.all_phrases()[:2] == found.phrases
