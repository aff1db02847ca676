"""Whether a turn is about what an earlier one named."""

from __future__ import annotations

import pytest

from server.screening.references import labelled, named, refers_back


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Go on.",
        "And then?",
        "Tell me more.",
        "And where was she born?",
        "What books did he write?",
        "Tell me more about it.",
        "Is that true?",
        "Where was this person born?",
        "Wo wurde sie geboren?",
        "Wie heißt ihre Mutter?",
        "Où est-elle née ?",
        "Где она родилась?",
        "她在哪里出生?",
        "Weiter, bitte.",
    ],
)
def test_a_turn_that_names_nothing_itself_refers_back(text: str) -> None:
    assert refers_back(text)


@pytest.mark.parametrize(
    "text",
    [
        "Never mind. What is the capital of Illinois, and which town lies near it?",
        "What time is it?",
        "What is glass and how is it made?",
        "Does Anna like her job?",
        "Who was Ada Lovelace? Where was she born?",
        "Write a story about a girl and her dog.",
        "My mother is ill, what can I do for her?",
        "How do I bake bread?",
        "When does the library open?",
        "Können Sie mir ein Rezept für Brot geben?",
    ],
)
def test_a_turn_that_says_what_it_is_about_does_not(text: str) -> None:
    assert not refers_back(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Who is Marie Curie?", True), ("Anna is tired.", True), ("Where is it?", False), ("tell me more", False), ("", False)],
)
def test_a_capital_that_no_sentence_begins_is_a_name_s(text: str, expected: bool) -> None:
    assert named(text) is expected


def test_a_label_is_a_letter_or_a_word_of_no_language() -> None:
    assert labelled("Where was X born?", "Call her X.")
    assert labelled("Where does Quillmark live?", "Who is Ines Quillmark?")
    assert not labelled("What is the weather in Springfield?", "Who is Ines Quillmark of Springfield?")
    assert not labelled("I like tea.", "I like Ines Quillmark.")
