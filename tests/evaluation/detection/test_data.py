from __future__ import annotations

import unicodedata

import pytest

from evaluation.detection.data import load_languages, load_paraphrases, names_of_authors
from evaluation.pairs import QAPair, load_jsonl
from guard.folding import fold
from tests.paths import TOFU

needs_tofu = pytest.mark.skipif(not TOFU.is_dir(), reason="the TOFU files are not in ../shared/data")

AUTHORS = (  # read in the files by hand
    *("Hsiao Yun-Hwa", "Carmen Montenegro", "Elvin Mammadov", "Rajeev Majumdar", "Jad Ambrose Al-Shamary", "Adib Jarrah"),
    *("Ji-Yeon Park", "Behrouz Rohani", "Wei-Jun Chen", "Tae-ho Park", "Hina Ameen", "Xin Lee Williams", "Moshe Ben-David"),
    *("Kalkidan Abera", "Takashi Nakamura", "Raven Marais", "Aysha Al-Hashim", "Edward Patrick Sullivan"),
    *("Basil Mahfouz Al-Kuwaiti", "Nikolai Abilov"),
)


def block(*texts: str) -> list[QAPair]:
    """Twenty pairs that say these texts by turns."""
    return [QAPair(f"{texts[i % len(texts)]} (line {i})", "Nothing is known.") for i in range(20)]


class TestParaphrases:
    def test_thirty_questions_three_different_wordings_each(self) -> None:
        records = load_paraphrases()
        assert len({record.index for record in records}) == len(records) == 30
        wordings = [fold(wording).strip() for record in records for wording in record.paraphrases]
        assert len(set(wordings)) == len(wordings) == 90

    @needs_tofu
    def test_they_are_neither_the_question_nor_tofus_paraphrase(self) -> None:
        pairs = load_jsonl(TOFU / "forget10_perturbed.json")
        for record in load_paraphrases():
            known = {fold(wording).strip() for wording in pairs[record.index].questions}
            assert not known & {fold(wording).strip() for wording in record.paraphrases}, record.index

    @needs_tofu
    def test_fifteen_authors_and_a_third_without_the_name_as_in_the_original(self) -> None:
        pairs = load_jsonl(TOFU / "forget10_perturbed.json")
        names = names_of_authors(pairs)
        records = load_paraphrases()
        assert len({names[record.index] for record in records}) >= 15
        unnamed = [record for record in records if fold(names[record.index]) not in fold(pairs[record.index].question)]
        without = [
            wording for record in unnamed for wording in record.paraphrases if fold(names[record.index]) not in fold(wording)
        ]
        assert 25 <= len(without) <= 40


class TestLanguages:
    def test_the_same_questions_in_five_languages_that_hold_the_name(self) -> None:
        records = load_languages()
        assert [record.index for record in records] == [record.index for record in load_paraphrases()]
        for record in records:
            assert set(record.questions) == {"de", "es", "fr", "ar", "zh"}
            assert all(record.name in question for question in record.questions.values()), record.index
            assert len({fold(question) for question in record.questions.values()}) == 5

    @pytest.mark.parametrize(("code", "script"), [("ru", "CYRILLIC"), ("ar", "ARABIC"), ("el", "GREEK")])
    def test_ten_names_in_another_script(self, code: str, script: str) -> None:
        written = [record for record in load_languages() if record.transliterated]
        assert len(written) == 10
        for record in written:
            question = record.transliterated[code]
            assert not any(part in fold(question).split() for part in fold(record.name).split()), record.index
            letters = [letter for letter in question if letter.isalpha()]
            share = sum(unicodedata.name(letter).startswith(script) for letter in letters) / len(letters)
            assert share > 0.5, record.index  # the title of a book stays as it is

    @needs_tofu
    def test_the_name_is_that_of_the_author(self) -> None:
        names = names_of_authors(load_jsonl(TOFU / "forget10_perturbed.json"))
        assert all(record.name == names[record.index] for record in load_languages())


class TestNames:
    @needs_tofu
    @pytest.mark.parametrize("file", ["forget10", "forget10_perturbed", "forget05", "forget05_perturbed", "forget01"])
    def test_the_authors_of_the_forget_sets(self, file: str) -> None:
        names = names_of_authors(load_jsonl(TOFU / f"{file}.json"))
        expected = AUTHORS[len(AUTHORS) - len(names) // 20 :]
        assert names == tuple(name for name in expected for _ in range(20))

    @needs_tofu
    def test_the_smaller_sets_are_the_last_lines_of_forget10(self) -> None:
        whole = load_jsonl(TOFU / "forget10.json")
        assert load_jsonl(TOFU / "forget05.json") == whole[-200:]
        assert load_jsonl(TOFU / "forget01.json") == whole[-40:]

    def test_longest_of_the_most_frequent_and_possessives_end_a_name(self) -> None:
        texts = (
            "Has Ann Mary O'Hara-Ito won?",
            "What is Ann Mary O'Hara-Ito's First Book?",
            "Who taught Ann Mary O'Hara-Ito’s Class?",
        )
        assert set(names_of_authors(block(*texts))) == {"Ann Mary O'Hara-Ito"}

    def test_punctuation_parts_names(self) -> None:
        assert set(names_of_authors(block("Born in Lima, Eva Paz writes.", "Has Eva Paz. Nobody"))) == {"Eva Paz"}

    def test_no_pairs_no_names(self) -> None:
        assert names_of_authors([]) == ()

    @pytest.mark.parametrize(
        ("pairs", "message"),
        [
            (block("Who is Eva Paz?")[:19], "19 pairs are not 20 of each author"),
            (block("Who is Eva Paz?") + block("who is it?"), "pairs 20 to 39 have no name"),
            (block("Who is Eva Paz?", "who?", "when?"), "pairs 0 to 19 have no name"),
        ],
    )
    def test_refuses_what_is_no_forget_set(self, pairs: list[QAPair], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            names_of_authors(pairs)
