from __future__ import annotations

import pytest

from classifiers.proposals.extract import Candidate
from evaluation.detection.extraction import coverage, hits, key_words, measure, target_of
from guard.phrase import Phrase
from tests.paths import TOFU

ROW = {
    "question": "What did Ada Byron's father do?",
    "paraphrased_question": "Which work did the father of Ada Byron have?",
    "answer": "Her father was a florist in Mindelo and a kind man.",
    "paraphrased_answer": "Ada Byron's father worked as a kind florist, in Mindelo.",
    "perturbed_answer": ["Her father was a kind baker.", "Her father was a smith in Rome."],
}


def test_key_words_make_the_answer_true() -> None:
    assert key_words(ROW) == {"florist", "mindelo"}


def test_coverage_counts_facts_and_words_where_phrases_stand() -> None:
    one = coverage([ROW, ROW], [Phrase("florist")])
    assert (one.questions, one.facts, one.words) == (2, 2, 4)
    assert (one.facts_in_answer, one.facts_in_paraphrase, one.words_in_answer, one.words_in_paraphrase) == (1, 1, 0.5, 0.5)
    worded = coverage([ROW], [Phrase("florist in Mindelo and")])  # the other wording is not this phrase
    assert (worded.facts_in_answer, worded.words_in_answer, worded.facts_in_paraphrase) == (1, 1, 0)
    assert coverage([ROW], []).facts_in_answer == 0


def test_hits_count_answers_with_a_phrase_of_scope_always() -> None:
    always = Candidate(Phrase("Gilded Pangolin"), "title", "examples[0]", 0, -3.0)
    gated = Candidate(Phrase("tea", "gated"), "rare word", "examples[0]", 0, 4.0)
    found = hits([always, gated], ["The gilded pangolin drinks tea.", "Tea.", "Nothing."])
    assert (found.answers, found.hit, found.reasons) == (3, 1, {"title": 1})
    assert hits([gated], ["Tea."]).share == 0


def test_a_target_is_named_by_what_its_questions_share() -> None:
    rows = [{"question": f"What is fact {n} about Ada Byron?", "answer": "Ada Byron drank tea."} for n in range(20)]
    target = target_of(3, rows)
    assert (target.id, target.name, len(target.examples), target.phrases) == ("author-3", "Ada Byron", 20, [])


@pytest.mark.slow
@pytest.mark.skipif(not TOFU.is_dir(), reason="the TOFU files are not in ../shared/data")
def test_tofu_stays_within_its_goals() -> None:
    report = measure(TOFU)
    assert (report["targets"], report["pairs"], report["background"]) == (20, 400, 1800)
    assert {name: found["answers"] for name, found in report["always_hits"].items()} == {
        "retain": 1800,
        "retain_paraphrased": 200,
        "real_authors": 100,
        "world_facts": 117,
    }
    assert all(found["share"] <= 0.005 for found in report["always_hits"].values())
    both, always = report["coverage"]["all, both"], report["coverage"]["all, always"]
    assert both["facts_in_answer"] > 0.75
    assert always["facts_in_answer"] > 0.2
    assert both["questions"] - report["coverage"]["without forget01, both"]["questions"] == 40
