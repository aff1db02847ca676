"""Where the sentences of an answer begin, and how much of it is settled while it grows."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.reading.boundaries import Boundaries, sentence_starts, settled
from tests.classifiers.conftest import STRANGE

PARTS = [
    *("He", "left", "Dr.", "3.", "3.14", "e.g.", "J.K.", "end.", "end!", "END?", "He said", "x" * 60, "Go.\u201d", "[1]", "a)"),
    *(
        " ",
        " ",
        " ",
        "\n",
        "\n\n",
        "  ",
        "\t",
        ". ",
        "?! ",
        "- ",
        "* ",
        "1. ",
        "# ",
        "> ",
        "| ",
        "|",
        "```",
        "```py",
        "~~~~",
        "**",
    ),
    *(
        "\u4f60\u597d\u3002",
        "\u300d",
        "\u3068",
        "\uff01",
        "\u0928\u092e\u0938\u094d\u0924\u0947\u0964",
        "\U0001f600",
        "...",
        ")",
        '"',
    ),
]
TEXTS = st.one_of(st.text(max_size=80), st.lists(st.sampled_from(PARTS), max_size=40).map("".join))


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in pairwise([*sentence_starts(text), len(text)])]


@given(TEXTS, st.data())
def test_what_is_settled_stays_so_and_is_where_a_sentence_begins(text: str, data: st.DataObject) -> None:
    starts = sentence_starts(text)
    first, second = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
    assert settled(text[:first]) <= settled(text[:second])
    assert settled(text[:first]) in starts
    assert settled(text[:first]) <= first


@given(TEXTS)
def test_starts_ascend_from_the_beginning_and_hold_what_is_settled(text: str) -> None:
    starts = sentence_starts(text)
    assert starts[0] == 0
    assert all(before < after < len(text) for before, after in pairwise(starts))
    boundaries = Boundaries()
    boundaries.feed(text)
    # The end of the text decides one more at most.
    assert boundaries.starts == starts[: len(boundaries.starts)]
    assert len(starts) - len(boundaries.starts) <= 1


@given(TEXTS, st.data())
def test_pieces_do_not_matter(text: str, data: st.DataObject) -> None:
    boundaries, at = Boundaries(), 0
    while at < len(text):
        size = data.draw(st.integers(1, 7))
        boundaries.feed(text[at : at + size])
        at += size
        assert boundaries.settled == settled(text[:at])
    boundaries.finish()
    assert boundaries.starts == sentence_starts(text)


@given(TEXTS)
def test_no_sentence_but_the_first_begins_with_white_space_only(text: str) -> None:
    assert all(sentence.strip() for sentence in cut(text)[1:])


LONG = "The house in which she lived when she was young was"
"""A line that is long enough to go on in the next one."""


@pytest.mark.parametrize(
    "sentences",
    [
        # Prose.
        ["She left. ", "Why? ", "Nobody knows!"],
        ["She left.  ", "Why?!? ", "Because\u2026 ", "Nobody knows."],
        ["Ask Dr. Grey, Prof. Dr. Green or Mrs. Brown. ", "They know."],
        ["It was J.K. Rowling, not J. R. R. Tolkien. ", "Or was it?"],
        ["Pi is 3.14 and not 4.5. ", "Really."],
        ["Pi is more than 3. Really."],  # as in "3. Oktober"
        ["See example.com/a.b?c=d for more, e.g. Fig. 3 or p. 12 there. ", "Then go."],
        ["The U.S. President came, with approx. five others, etc. etc. and left. ", "Then he came back."],
        ["He was born in 1990. ", "She was not."],
        ["\u201cStop!\u201d he said. ", "\u201cGo.\u201d ", "Then he left."],
        ['"Who are you?" she asked. ', '"Nobody."'],
        ["He left (see below.) ", "She stayed."],
        ["**Stop.** ", "Go on. ", "_Now._ ", "Yes."],
        ["It is so.[1] ", "It is not.[2][3] ", "Perhaps."],
        ["hello. ", "how are you? ", "fine."],
        ["Great! ", "\U0001f600 Let us go. ", "Now."],
        ["Wait... what? ", "Yes... ", "So it is."],
        ["Am 3. Oktober z.B. kam Herr Dr. M\u00fcller. ", "Er ging."],
        ["\u00ab Vraiment ? \u00bb ", "Oui. ", "\u00ab Bonjour. \u00bb ", "Il est parti."],
        # Paragraphs and lines.
        ["First.\n\n", "Second\n\n\n", "third"],
        ["First.\r\n\r\n", "Second."],
        [f"{LONG}\nsmall. ", "It was old."],
        [f"{LONG}\nin Oslo. ", "It was old."],
        [f"{LONG}\nOslo. ", "It was old."],
        [f"{LONG}\n1990. ", "It was old."],
        [f"{LONG}\n\n", "in Oslo."],
        [f"{LONG} here.\n", "It was old."],
        [f"{LONG} approx.\nfive miles away. ", "It was old."],
        [f"{LONG}\n", "- an item\n", "- another"],
        [f"{LONG}\n", "1. an item"],
        # Lists.
        ["1. One. And more.\n", "2. Two\n", "3) Three. e.g. four\n"],
        ["Some:\n", "- One. Two.\n", "* Three\n", "+ Four\n", "\u2022 Five\n", "  - Six. Seven"],
        ["- **Name**: he was. He is.\n", "- **Other**: she was."],
        ["a) One. Two.\n", "(b) Three.\n", "c. Four. Five."],
        ["**1. One.** Two.\n", "**2. Three.**"],
        ["\u2460 \u4e00\u3002\u4e8c\n", "\u4e8c\u3001\u4e09\u3002\u56db"],
        [f"- {LONG}\n  in Oslo. It was old.\n", "- Next"],
        ["1. One.\n\n", "2. Two.\n\n", "Then prose. ", "More."],
        # Headings and tables.
        ["# 1. The house. Part two\n", "It was old. ", "She left."],
        ["Text.\n\n", "## Heading\n\n", "Text."],
        ["**Heading**\n", "Text. ", "More.\n", "---\n", "End."],
        ["| Name | Born |\n", "|---|---|\n", "| A. B. Ada | 1. May. 1990 |\n", "| Cy | ? |\n\n", "Text. ", "More."],
        [f"{LONG} | old\n", "Name | Born. Died\n"],
        # Code.
        ["See:\n", "```python\n", "x = 1. \n", "    y = 2\n\n", "# no heading. End.\n", "```\n", "Done. ", "Ok."],
        ["~~~\n", "```\n", "a. B\n", "~~~\n", "Once. ", "Twice."],
        ["````\n", "```\n", "A. B.\n", "````\n", "Once. ", "Twice."],
        ["```\n", "open. End\n", "more. End"],
        # Quotations, verse, dialogue.
        ["> One. ", "Two.\n", "> Three.\n", "Four."],
        ["> - One. Two.\n", "> - Three."],
        ["Shall I compare thee to a summer's day?\n", "Thou art more lovely and more temperate:\n", "rough winds do shake"],
        ["Roses are red,\n", "violets are blue,\n\n", "sugar is sweet\n", "and so are you."],
        ["\u2014 Hello. He said.\n", "\u2014 Bye."],
        # Scripts that need no white space, and other scripts.
        ["\u4f60\u597d\u3002", "\u4ed6\u5728\u54ea\u91cc\uff1f", "\u5728\u8fd9\u91cc\uff01\uff01", "\u518d\u89c1"],
        ["\u4ed6\u8bf4\uff1a\u300c\u8d70\u5427\u3002\u300d", "\u7136\u540e\u8d70\u4e86\u3002\n", "\u518d\u89c1\u3002"],
        ["\u300c\u884c\u3053\u3046\u3002\u300d\u3068\u8a00\u3063\u305f\u3002", "\u6b21\u3002"],
        ["\u0928\u092e\u0938\u094d\u0924\u0947\u0964 ", "\u0915\u0948\u0938\u0947?"],
        ["\u0645\u0631\u062d\u0628\u0627\u061f ", "\u0646\u0639\u0645."],
        ["\u041e\u043d \u0443\u0448\u0451\u043b. ", "\u041e\u043d\u0430 \u043d\u0435\u0442."],
        # Nothing, or nothing but white space before the first sentence.
        [""],
        [" \n\n Hello. ", "Bye."],
        ["\n"],
    ],
)
def test_where_sentences_begin(sentences: list[str]) -> None:
    assert cut("".join(sentences)) == sentences


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("She left", ""),
        ("She left.", ""),
        ("She left. ", ""),  # perhaps "approx. five"
        ("She left. S", "She left. "),
        ("She left. s", ""),
        ("She left. 3", "She left. "),
        ("She left.\u201d", ""),
        ("She left.\u201d A", "She left.\u201d "),
        ("Ask Dr. G", ""),
        ("Ask J.K. R", ""),
        ("See e.g. T", ""),
        ("Pi is 3.", ""),
        ("Pi is 3.1", ""),
        ("3. F", ""),
        ("One.\n3", "One.\n"),
        ("One.\n3. T. U", "One.\n"),
        ("One.\n\n", ""),
        ("One.\n\nT", "One.\n\n"),
        (f"{LONG}\n", ""),
        (f"{LONG}\nOslo", ""),
        (f"{LONG}\n1.", ""),
        (f"{LONG}\n1. ", f"{LONG}\n"),
        (f"{LONG}\n- ", f"{LONG}\n"),
        ("- One. T", ""),
        ("- One. Two\n-", "- One. Two\n"),
        ("| A. B |\n|", "| A. B |\n"),
        ("```\nA. B\n  c", "```\nA. B\n"),
        ("\u4f60\u597d\u3002", ""),
        ("\u4f60\u597d\u3002\u300d", ""),
        ("\u4f60\u597d\u3002\u4ed6", "\u4f60\u597d\u3002"),
    ],
)
def test_how_much_is_settled(text: str, kept: str) -> None:
    assert text[: settled(text)] == kept


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
def test_strange_texts(text: str) -> None:
    assert sentence_starts(text)[0] == 0


@pytest.mark.slow
def test_the_time_is_proportional_to_the_text() -> None:
    def seconds(text: str) -> float:
        started = time.process_time()
        boundaries = Boundaries()
        for at in range(0, len(text), 4):
            boundaries.feed(text[at : at + 4])
        return time.process_time() - started

    for unit in ("a", "She left. ", "\n", "\u3002", "| a ", "1. "):
        short, long = seconds(unit * (20_000 // len(unit))), seconds(unit * (200_000 // len(unit)))
        assert long < 30 * short
