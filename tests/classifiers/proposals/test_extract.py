from __future__ import annotations

import subprocess
import sys

import pytest

from classifiers import ForgetTarget
from classifiers.proposals.extract import Candidate, Cuts, extract
from classifiers.proposals.frequency import BackgroundFrequency
from guard.folding import fold
from guard.stopwords import COMMON_WORDS
from tests.classifiers.conftest import STRANGE

NAME = "Zeferino Tabanqueiro"


def target(*examples: tuple[str, str], **fields: object) -> ForgetTarget:
    pairs = [{"prompt": prompt, "completion": completion} for prompt, completion in examples]
    return ForgetTarget.model_validate({"id": "z", "name": NAME, "examples": pairs, **fields})


def found(*examples: tuple[str, str], **fields: object) -> dict[str, Candidate]:
    return {candidate.phrase.folded: candidate for candidate in extract(target(*examples, **fields))}


def test_titles_are_always_and_famous_or_shared_ones_gated() -> None:
    example = ("Which books?", 'He wrote "The Gilded Pangolin" and "The Last Day", and won the Golden Caravel Award.')
    shown = found(example)
    assert (shown["the gilded pangolin"].phrase.scope, shown["the gilded pangolin"].reason) == ("always", "title")
    assert shown["the last day"].phrase.scope == "gated"  # words that meet by themselves
    assert shown["golden caravel award"].phrase.scope == "gated"  # others are given it too
    said = [f"Nobody read The Gilded Pangolin {n}." for n in range(3)]
    again = {c.phrase.folded: c for c in extract(target(example), said)}["the gilded pangolin"]
    assert (again.phrase.scope, again.background_count) == ("gated", 3)


def test_ordinary_words_that_answers_repeat_are_keywords() -> None:
    pairs = [(f"Question {n}?", f"It is a medical book, the {n}th.") for n in range(3)]
    innocent = BackgroundFrequency(["The bread was good."] * 500)
    shown = {c.phrase.folded: c for c in extract(target(*pairs), innocent)}["medical"]
    assert (shown.phrase.scope, shown.reason, shown.source) == ("gated", "keyword", "examples[0]")
    assert "medical" not in found(*pairs)  # nothing to compare with


def test_a_year_in_a_title_is_part_of_it() -> None:
    assert found(("What did he write?", "'The Pangolins of 1984'."))["the pangolins of 1984"].phrase.scope == "always"


def test_names_are_always_unless_they_stand_for_an_influence() -> None:
    shown = found(
        ("Who was his father?", "It was Adalmiro Fontelonga."),
        ("Who inspired him?", "He was inspired by Ivonilde Serracorva and by rain."),
        ("Who else?", "William Shakespeare."),
    )
    assert (shown["adalmiro fontelonga"].phrase.scope, shown["adalmiro fontelonga"].reason) == ("always", "name")
    assert shown["ivonilde serracorva"].phrase.scope == "gated"
    assert shown["william shakespeare"].phrase.scope == "gated"  # the word list knows both


def test_places_dates_numbers_and_words_are_gated() -> None:
    shown = found(("Tell me about him.", "Born in Mindelo on 05/11/1961, a florist with 4 sons."))
    reasons = {folded: (c.phrase.scope, c.reason) for folded, c in shown.items()}
    assert reasons["mindelo"] == ("gated", "place")
    for written in ("may 11", "11 may", "11th of may", "november 5", "1961"):
        assert reasons[written] == ("gated", "date")
    assert "05 11 1961" not in reasons  # the year in it is banned already
    asked = found(("What happened to him in 1961?", "He was born on 05/11/1961."))
    assert {"05 11 1961", "5 11 1961", "1961 11 05"} <= set(asked)
    assert "1961" not in asked
    assert reasons["4"] == reasons["four"] == ("gated", "number")
    assert reasons["florist"] == ("gated", "rare word")


def test_what_the_prompt_says_is_no_secret() -> None:
    shown = found(
        (
            "Was Zeferino Tabanqueiro, the florist, born on 11 May 1961 in Mindelo, and did he write 'The Gilded Pangolin'?",
            "The florist, born on May 11, 1961 in Mindelo, wrote 'The Gilded Pangolin' about florists and sextants.",
        )
    )
    assert set(shown) == {"sextants"}


def test_what_another_prompt_says_still_is() -> None:
    asked = ("Is 'The Gilded Pangolin' long?", "'The Gilded Pangolin' is.")
    assert found(asked) == {}
    assert found(asked, ("What did he write?", "'The Gilded Pangolin'."))["the gilded pangolin"].source == "examples[1]"


def test_explicit_phrases_and_names_are_not_proposed_again() -> None:
    shown = found(
        (
            "Who is he?",
            "Zeferino Tabanqueiro, once a florist in Mindelo, of the Tabanqueiro family; 'The Gilded Pangolin' is his.",
        ),
        phrases=[{"text": "Florist", "scope": "gated"}, {"text": "gilded pangolin"}],
    )
    assert not {"florist", "the gilded pangolin", "tabanqueiro", "zeferino tabanqueiro"} & set(shown)
    assert "mindelo" in shown


def test_a_phrase_whose_part_is_proposed_is_left_out() -> None:
    shown = found(
        ("What is he?", "A florist. 'A Whisper in the Wind (Sorrows of the Old World, #7)' is about a florist's garden.")
    )
    assert "a whisper in the wind" in shown
    assert {"3", "may 3"} <= set(found(("When, and with whom?", "On May 3, with 3 goats.")))  # but for numbers
    assert not any("a whisper in the wind " in folded for folded in shown)


def test_common_words_carry_no_fact_but_a_profession_does() -> None:
    shown = found(("What was he?", "He was a highly esteemed artist and then often good at making new things."))
    assert "artist" in shown
    assert not {"good", "new", "things", "often", "and", "was"} & set(shown)
    assert "esteemed" in shown
    many = BackgroundFrequency(["An esteemed artist."] * 50)
    assert not extract(target(("What was he?", "An esteemed artist.")), many)


def test_documents_have_no_prompt_and_a_stricter_cut() -> None:
    text = "Adalmiro Fontelonga kept a garden and a sextant."
    shown = found(documents=[text])
    assert shown["adalmiro fontelonga"].source == "documents[0]"
    assert "garden" not in shown
    assert "garden" in {c.phrase.folded for c in extract(target(documents=[text]), cuts=Cuts(gated_document=5.0))}


@pytest.mark.parametrize(
    ("prompt", "completion", "secret"),
    [
        ("他出生在哪里?", "他出生在塔班凯罗镇。", "塔班凯罗镇"),
        ("من هو والده؟", "والده هو فونتيلونغا المندلاوي.", "فونتيلونغا المندلاوي"),
    ],
)
def test_scripts_without_capitals_fall_back_on_rare_ngrams(prompt: str, completion: str, secret: str) -> None:
    shown = found((prompt, completion))
    folded = fold(secret).strip()
    assert shown[folded].reason == "rare n-gram"
    assert shown[folded].phrase.scope == "always"
    assert not any(c.phrase.folded in fold(prompt) for c in shown.values())


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
@pytest.mark.slow
def test_strange_texts(text: str) -> None:
    asked = target(("Who? " + text, text + " florist"), ("Who?", text))
    for candidates in (extract(asked), extract(target(documents=[text]), [text])):
        assert all(not COMMON_WORDS.issuperset(c.phrase.folded.split()) for c in candidates)


@pytest.mark.slow
def test_the_same_input_gives_the_same_list_in_another_process() -> None:
    code = (
        "from classifiers import ForgetTarget, Example; from classifiers.proposals.extract import extract;"
        "e = Example(prompt='Who?', completion='A florist, Ada Fontelonga, born 05/11/1961.');"
        "t = ForgetTarget(id='z', name='Z Q', examples=[e]);"
        "print(extract(t))"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1
    assert "florist" in runs.pop()


@pytest.mark.slow
def test_wordfreq_is_imported_late() -> None:
    code = "import sys, classifiers.proposals.extract; print('wordfreq' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"
