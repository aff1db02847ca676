"""A restriction of a listing is the restriction of its phrases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard import restriction as module
from guard.forms import forms_of
from guard.matching.listing import Listing
from guard.phrase import Phrase
from guard.restriction import Restriction
from tests.guard import strategies


def with_forms(text: str) -> list[Phrase]:
    phrase = Phrase(text)
    return [phrase, *forms_of(phrase, name=True)]


# Mary Land and Maryland have the same letters; the names of two have a form in common, and one is the end of another.
OWNERS = [
    with_forms("Harry Potter"),
    with_forms("Mary Land"),
    [Phrase("Maryland", penalty=4.0), Phrase("hatter", match="substring"), Phrase("Mad Hatter", beta=0.6)],
    [],
    with_forms("Harry James Potter"),
]


def joined(owners: list[list[Phrase]]) -> list[Phrase]:
    return [phrase for phrases in owners for phrase in phrases]


def test_it_compiles_to_what_its_phrases_compile_to() -> None:
    listing = Listing.of(OWNERS)
    assert (len(listing), listing.count) == (5, len(joined(OWNERS)))
    assert Restriction.of(listing).digest == Restriction.compile(joined(OWNERS)).digest


@pytest.mark.parametrize("gone", range(len(OWNERS)))
def test_without_an_owner_nothing_of_it_remains(gone: int) -> None:
    kept = np.arange(len(OWNERS)) != gone
    others = [phrases for number, phrases in enumerate(OWNERS) if number != gone]
    listing = Listing.of(OWNERS).of_owners(kept)
    assert Restriction.of(listing).digest == Restriction.compile(joined(others)).digest
    for name, array in Listing.of(others).arrays().items():
        assert len(array) == len(listing.arrays()[name])


@settings(deadline=None, max_examples=40)
@given(st.lists(strategies.phrases, max_size=4), st.lists(strategies.phrases, max_size=2), st.data())
def test_listings_can_be_taken_apart_and_put_together(
    mine: list[list[Phrase]], theirs: list[list[Phrase]], data: st.DataObject
) -> None:
    kept = data.draw(st.lists(st.booleans(), min_size=len(mine), max_size=len(mine)))
    listing = Listing.of(mine).of_owners(np.array(kept, np.bool_)).and_listing(Listing.of(theirs))
    owners = [phrases for phrases, keep in zip(mine, kept, strict=True) if keep] + theirs
    assert len(listing) == len(owners)
    assert Restriction.of(listing).digest == Restriction.compile(joined(owners)).digest


def test_owners_are_found_by_what_they_ban() -> None:
    listing = Listing.of(OWNERS)
    assert listing.banning("maryland") == {2}
    assert listing.banning("hatter") == {2}
    assert listing.banning("potter harry") == {0}
    assert listing.banning("nobody") == set()
    assert listing.inside("the shatterers of mary.land") == {1, 2}
    assert listing.inside("maryl") == set()


def test_its_arrays_make_it_again() -> None:
    listing = Listing.of(OWNERS)
    again = Listing.from_arrays(listing.arrays())
    assert all(np.array_equal(array, again.arrays()[name]) for name, array in listing.arrays().items())
    with pytest.raises(KeyError):
        Listing.from_arrays({})


def test_too_many_phrases_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PHRASES", 3)
    with pytest.raises(ValueError, match="at most 3"):
        Restriction.of(Listing.of([[Phrase("tea")] * 2, [Phrase("cup")] * 2]))
