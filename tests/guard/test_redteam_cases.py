"""What an attack on the server found about matching: each row is named after its finding."""

from __future__ import annotations

import pytest

from guard import reference
from guard.errors import PhraseError
from guard.forms import forms_of
from guard.phrase import Phrase


def banned(text: str, listed: str, *, name: bool = False, beta: float = 1.0) -> bool:
    """Return whether a text says a listed phrase or one of its forms."""
    phrase = Phrase(listed, beta=beta)
    folded = reference.folded_stream([text.encode()])
    return any(reference.occurrences(one, folded) for one in (phrase, *forms_of(phrase, name=name)))


@pytest.mark.parametrize(
    ("listed", "text", "name"),
    [
        ("Tromsø Harbour", "Tromso Harbour", False),
        ("Siglufjörður", "Siglufjordur", False),
        ("Łódź Gazette", "Lodz Gazette", False),
        ("3 February 1949", "February 3, 1949", False),
        ("3 February 1949", "1949-02-03", False),
        ("3 February 1949", "3rd of February 1949", False),
        ("3 February 1949", "3. Februar 1949", False),
        ("3 February 1949", "the third of February 1949", False),
        ("1976", "1 9 7 6", False),
        ("1976", "1-9-7-6", False),
        ("1976", "١٩٧٦", False),
        ("1976", "１９７６", False),
        ("Hallgeir Brimnesson", "Brimnesson, Hallgeir", True),
        ("Hallgeir Brimnesson", "H\N{CYRILLIC SMALL LETTER A}llgeir Brimnesson", True),
        ("Hallgeir Brimnesson", "Hallgeir Brim\N{REPLACEMENT CHARACTER}nesson", True),
        ("Hallgeir Brimnesson", "Hallgeir Brim\N{SOFT HYPHEN}nesson", True),
        ("Hallgeir Brimnesson", "Hallgeir S. Brimnesson", True),
        ("Hallgeir Brimnesson", "the Hallgeir Brimnessons", True),
    ],
)
def test_f8_spellings_that_the_mask_did_not_know(listed: str, text: str, name: bool) -> None:
    assert banned(text, listed, name=name)


def test_f8_bytes_that_are_no_text_count_as_nothing() -> None:
    folded = reference.folded_stream([b"Hallgeir Brim\xff", b"\xfenesson"])
    assert reference.occurrences(Phrase("Hallgeir Brimnesson"), folded)


@pytest.mark.parametrize(
    "text", ["Hallgeir left. Brimnesson stayed.", "Hallgeir Brimness", "Hallgeirs Bruder", "19761", "2 February 1949"]
)
def test_f8_other_texts_may_be_said(text: str) -> None:
    for listed in ("Hallgeir Brimnesson", "1976", "3 February 1949"):
        assert not any(
            reference.occurrences(one, reference.folded_stream([text.encode()]))
            for one in (Phrase(listed), *forms_of(Phrase(listed), name=listed[0] == "H"))
            if one.scope == "always"
        )


def test_f4_beta_does_not_forget_the_second_half() -> None:
    phrase = Phrase("3 February 1949", beta=0.5)
    said = [b"3 February 19"]
    # The cut was said before, by a prefill: what goes on with the phrase is banned all the same.
    assert reference.penalty([phrase], said, b"49")
    assert reference.penalty([phrase], said, b"4")
    assert not reference.penalty([phrase], said, b"50")
    assert reference.penalty([Phrase("Tromsø", beta=0.7)], [b"Trom"], b"s")


@pytest.mark.parametrize(("text", "beta"), [("the zebra", 0.3), ("1976", 0.5), ("Lantern", 0.3)])
def test_f7_a_cut_is_judged_as_a_phrase_is(text: str, beta: float) -> None:
    with pytest.raises(PhraseError, match="beta cuts the phrase"):
        Phrase(text, beta=beta)
    assert Phrase(text, beta=beta, force=True).beta == beta
