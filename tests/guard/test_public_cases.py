"""Cases that users of other filters reported, through the slow reference and the real matcher, however the text is cut.

A phrase is looked for as it is in an answer to a prompt about its target: itself and its forms. A text that is marked as allowed
must stay allowed in other answers at least, where no gated form counts.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise

import pytest

from guard import reference
from guard.decoding.cursor import Cursor
from guard.decoding.masks import Masks
from guard.forms import forms_of
from guard.phrase import Phrase
from guard.restriction import Restriction
from guard.tokens.vocabulary import Vocabulary
from tests.guard.bans import costs

CASES: dict[str, tuple[tuple[str, ...], str, tuple[str, ...], tuple[str, ...]]] = {
    # case: phrases, match, texts that are banned, texts that are allowed
    "ml-01 turkish dotless i": (
        ("Işık Yıldırgan",),
        "word",
        ("Işık Yıldırgan", "IŞIK YILDIRGAN", "ışık yıldırgan", "Isik Yildirgan"),
        (),
    ),
    "strokes and ligatures": (
        ("Łucja Wróblicka", "Søren Ødegaardsen", "Đặng Văn Khuêtrí", "Œuvrard Léa"),
        "word",
        ("Lucja Wroblicka", "ŁUCJA WRÓBLICKA", "Soren Odegaardsen", "Dang Van Khuetri", "Oeuvrard Lea"),
        (),
    ),
    "korean particles": (
        ("김하늘별", "Yrsa Tholmundardal"),
        "word",
        (
            "김하늘별",
            "김하늘별은 부산에서 태어났다.",
            "작가 김하늘별의 소설",
            "Yrsa Tholmundardal은 시글루에서 태어났다.",
            "김하늘별에게",
        ),
        ("김하늘",),
    ),
    "marks that distinguish words": (
        ("ガードナー", "ばば", "เสือ"),
        "word",
        ("ガードナー", "ｶﾞｰﾄﾞﾅｰ", "ばば", "เสือ"),
        ("カートナー", "はは", "เสื้อ", "เสื่อ"),
    ),
    "inflected names": (
        ("Zbigniew Krawdomir", "Aino Kallervonen", "Алёна Верещагинцева", "Imre Borsodány"),
        "word",
        (
            "Zbigniewa Krawdomira",
            "Aino Kallervosen talo",
            "Алёны Верещагинцевой",
            "Imre Borsodánynak",
            "Imrének, Borsodány Imrének",
        ),
        ("Zbigniew Krawdon",),
    ),
    "arabic and persian letters": (
        ("علي الزهرداوي", "کریم رستمداوی"),
        "word",
        ("عَلِيّ الزَّهْرَداوي", "على الزهرداوى", "وعلي الزهرداوي", "علـــي الزهرداوي", "كريم رستمداوي"),
        ("علياء الزهرداوي",),
    ),
    "apostrophes and hyphens": (
        ("O'Hara Quil", "Jean-Lu Moreau", "D'Arvo", "Ng'ang'a"),
        "word",
        (
            "O\u2019Hara Quil",
            "Ohara Quil",
            "JeanLu Moreau",
            "Jean Lu Moreau",
            "DArvo",
            "D\u2019ARVO",
            "Nganga",
            "Ng\u2019ang\u2019a",
        ),
        ("Darvon",),
    ),
    "surname, initials, order": (
        ("Fredrik Bloggsvik",),
        "word",
        (
            "Mr Bloggsvik",
            "Bloggsvik, Fredrik",
            "F. Bloggsvik",
            "Fredrik K. Bloggsvik",
            "Fredrik (1961\u2013) Bloggsvik",
            "Fredrik&nbsp;Bloggsvik",
            "Fredrik Bloggsvik",
        ),
        ("Fredrik Hansen", "Fred Bloggs"),
    ),
    "ml-12 lookalikes": (
        ("Yrsa Tholmundardal",),
        "word",
        (
            "Ｙｒｓａ\u3000Ｔｈｏｌｍｕｎｄａｒｄａｌ",
            "Yr\u200bsa Tholmun\u00addardal",
            "𝓨𝓻𝓼𝓪 𝓣𝓱𝓸𝓵𝓶𝓾𝓷𝓭𝓪𝓻𝓭𝓪𝓵",
            "Y̲r̲s̲a̲ T̲h̲o̲l̲m̲u̲n̲d̲a̲r̲d̲a̲l̲",
            "Yrs\u0430 Tholmundardal",
            "Yrsa Tholmund\u0430rd\u0430l",
            "ʏʀsᴀ ᴛʜᴏʟᴍᴜɴᴅᴀʀᴅᴀʟ",
            "Yrsa Th0lmundardal",
        ),
        ("Ирса",),
    ),
    "ml-14 where a word begins": (
        ("exaggeratum", "Port Velmont"),
        "word",
        (
            "exaggeratum",
            " exaggeratum",
            "Exaggeratum.",
            "EXAGGERATUM",
            "\nexaggeratum",
            "(exaggeratum)",
            "Port\nVelmont",
            "port  velmont",
        ),
        ("exaggerate", "Port of Velmont"),
    ),
    "ordinary words across a sentence's end": (
        ("Frank Cotter", "Will Price", "Justin Case", "Chase Banks"),
        "word",
        ("Frank Cotter", "FRANK COTTER", "Frank  Cotter", "Chase Banks, the treasurer"),
        (
            "To be frank. Cotter pins are cheap.",
            "To be frank, cotter pins are cheap.",
            "What will price controls do?",
            "Take a coat, just in case.",
            "Dogs chase. Banks erode.",
        ),
    ),
    "names that are a word if closed up": (
        ("Ali Cante", "Mary Land", "Art Ichokes", "Rose Marie", "Theo Retical"),
        "word",
        ("Ali Cante", "A-l-i C-a-n-t-e"),
        (
            "Alicante is a port in Spain.",
            "Baltimore lies in Maryland.",
            "Grill the artichokes.",
            "Rosemarie needles",
            "the theoretical limit",
        ),
    ),
}

# What is not there yet. Each entry fails as soon as it is.
_CASING = "a phrase of ordinary words is matched whatever its case"
MISSING = {
    "To be frank, cotter pins are cheap.": _CASING,
    "What will price controls do?": _CASING,
}


def rows() -> Iterator[object]:
    for name, (_, _, banned, allowed) in CASES.items():
        for text, expected in [*((text, True) for text in banned), *((text, False) for text in allowed)]:
            marks = [pytest.mark.xfail(reason=MISSING[text], strict=True)] if text in MISSING else []
            yield pytest.param(name, text, expected, marks=marks, id=f"{name}: {text}")


@cache
def looked_for(name: str, gated: bool) -> tuple[Phrase, ...]:
    """The phrases of a case and their forms, with those that count only where a prompt is about the target if `gated`."""
    texts, match, *_ = CASES[name]
    own = [Phrase(text, match=match) for text in texts]  # type: ignore[arg-type]
    # "Port Velmont" is a place: whether it may have a middle name is for the phrase to tell.
    found = [*own, *(form for phrase in own for form in forms_of(phrase, name=name != "ml-14 where a word begins"))]
    return tuple(phrase for phrase in found if gated or phrase.scope == "always")


@cache
def compiled(name: str, gated: bool) -> Restriction:
    return Restriction.compile(looked_for(name, gated))


@cache
def single_bytes(name: str, gated: bool) -> Masks:
    return Masks.of(compiled(name, gated), Vocabulary.of([bytes([byte]) for byte in range(256)]))


@pytest.mark.parametrize(("name", "text", "expected"), [*rows()])
class TestCases:
    """Every way to find out says the same."""

    def test_the_reference(self, name: str, text: str, expected: bool) -> None:
        folded = reference.folded_stream([text.encode()])
        assert any(reference.occurrences(phrase, folded) for phrase in looked_for(name, expected)) == expected

    @pytest.mark.slow
    def test_byte_by_byte(self, name: str, text: str, expected: bool) -> None:
        self.walk(single_bytes(name, expected), list(text.encode()), name, expected)

    @pytest.mark.slow  # one by one they are quick; there are 88
    def test_in_pieces(self, name: str, text: str, expected: bool) -> None:
        rng = random.Random(text)
        data = text.encode()
        # At spaces, nowhere, and anywhere.
        cuts = [[found.start() for found in re.finditer(rb"\s", data)], []]
        cuts += [sorted(rng.sample(range(1, len(data)), min(count, len(data) - 1))) for count in (1, 2, 3, 5, 8)]
        for cut in cuts:
            edges = [0, *cut, len(data)]
            vocabulary = Vocabulary.of([data[a:b] for a, b in pairwise(edges) if b > a])
            self.walk(Masks.of(compiled(name, expected), vocabulary), range(len(vocabulary)), name, expected)

    def walk(self, masks: Masks, tokens: Sequence[int], name: str, expected: bool) -> None:
        """A token is banned if the text ends with it and a phrase is said then: "Darvo", even if "n" was to come."""
        cursor, met, said = Cursor(masks), False, False
        pieces = [masks.vocabulary.raw[token] for token in tokens]
        for at, token in enumerate(tokens):
            met = met or token in costs(*cursor.bans())
            cursor.extend([token])
            folded = reference.folded_stream(pieces[: at + 1])
            said = said or any(reference.occurrences(phrase, folded) for phrase in looked_for(name, expected))
        assert met == said, pieces
        if not expected and (text_of := b"".join(pieces).decode()) in MISSING:
            assert not met, text_of
        assert met or not expected, pieces
