from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers import CachedEncoder, ForgetTarget, NearestClassifier, Thresholds, shipped_background, windows
from classifiers.meaning import nearest as module
from classifiers.meaning.encoder import Vectors
from tests.classifiers.conftest import STRANGE, BagOfWords, a_target, screened

ADA = a_target("ada", prompts=["where was ada brill born", "which prize did ada brill win"])
BOB = a_target("bob", prompts=["where does bob crane live today"])
KEPT = ["where was eve stone born", "how do planes fly"]


def build(
    bag: BagOfWords, *targets: ForgetTarget, background: Sequence[str] = KEPT, cosine: float = 0.75, margin: float = 0.02
) -> NearestClassifier:
    return NearestClassifier(targets, background, bag, Thresholds(cosine, margin))


def test_nothing_found(bag_of_words: BagOfWords) -> None:
    classifier = build(bag_of_words, ADA, BOB)
    assert classifier.classify([]) == []
    assert classifier.classify(screened("how do birds fly", "", "tell me a joke")) == [[], [], []]


@pytest.mark.parametrize("name", STRANGE)
@pytest.mark.slow
def test_strange_texts(bag_of_words: BagOfWords, name: str) -> None:
    assert build(bag_of_words, ADA, BOB).classify(screened(STRANGE[name])) == [[]]


def test_the_example_itself(bag_of_words: BagOfWords) -> None:
    [[match]] = build(bag_of_words, ADA, BOB).classify(screened("Where was Ada Brill born?"))
    # Three of five words are those of "where was eve stone born".
    assert (match.target_id, match.evidence, match.classifier) == ("ada", "nearest:1.00-0.60", "nearest")
    assert match.score == pytest.approx(1)


def test_threshold_and_margin(bag_of_words: BagOfWords) -> None:
    text = screened("where was ada stone born")  # four of five words of the example's, four of five of the background's
    [[match]] = build(bag_of_words, ADA, background=[], cosine=0.79, margin=0.1).classify(text)
    assert match.score == pytest.approx(0.8)
    assert match.evidence == "nearest:0.80--1.00"
    assert build(bag_of_words, ADA, background=[], cosine=0.81, margin=0.0).classify(text) == [[]]
    assert len(build(bag_of_words, ADA, cosine=0.5, margin=0.0).classify(text)[0]) == 1
    assert build(bag_of_words, ADA, cosine=0.5, margin=0.01).classify(text) == [[]]


def test_best_window_counts(bag_of_words: BagOfWords) -> None:
    text = ("Some other words fill this line until it is long enough to be cut here.\n" * 20) + "Where was Ada Brill born? " * 12
    [[match]] = build(bag_of_words, ADA, BOB).classify(screened(text))
    assert match.target_id == "ada"


def test_several_targets_best_first(bag_of_words: BagOfWords) -> None:
    one, two = a_target("one", prompts=["a b c d"]), a_target("two", prompts=["a b c e", "x y z"])
    [matches] = build(bag_of_words, one, two, cosine=0.7).classify(screened("a b c e"))
    assert [(match.target_id, round(match.score, 2)) for match in matches] == [("two", 1.0), ("one", 0.75)]


def test_texts_of_a_batch_do_not_mix(bag_of_words: BagOfWords) -> None:
    texts = ["tell me a joke", "which prize did ada brill win", "", "where does bob crane live today", "how do planes fly"]
    classifier = build(bag_of_words, ADA, BOB)
    together = classifier.classify(screened(*texts))
    alone = [classifier.classify(screened(text))[0] for text in texts]
    assert [[match.evidence for match in matches] for matches in together] == [[m.evidence for m in matches] for matches in alone]
    assert [[match.target_id for match in matches] for matches in together] == [[], ["ada"], [], ["bob"], []]


def test_blocks_change_nothing(bag_of_words: BagOfWords, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = screened(*(f"which prize did {name} brill win" for name in ["ada", "bob", "eve", "ada"]))
    whole = build(bag_of_words, ADA, BOB).classify(texts)
    monkeypatch.setattr(module, "_BLOCK", 1)
    assert build(bag_of_words, ADA, BOB).classify(texts) == whole


def test_a_target_without_examples_is_not_represented(bag_of_words: BagOfWords) -> None:
    bare = a_target("bare", name="where was ada brill born")
    assert build(bag_of_words, bare).classify(screened("where was ada brill born")) == [[]]
    [[match]] = build(bag_of_words, bare, ADA).classify(screened("where was ada brill born"))
    assert match.target_id == "ada"


def test_without_examples_nothing_is_encoded(bag_of_words: BagOfWords) -> None:
    build(bag_of_words).classify(screened("anything"))
    assert [texts for texts in bag_of_words.calls if texts] == []


def test_a_shared_example_matches_both(bag_of_words: BagOfWords) -> None:
    twin = a_target("twin", prompts=["Where was ADA Brill born?"])
    classifier = build(bag_of_words, twin, ADA)
    [matches] = classifier.classify(screened("where was ada brill born"))
    assert [match.target_id for match in matches] == ["ada", "twin"]
    assert matches[0].score == matches[1].score


def test_an_example_in_the_background_is_still_found(bag_of_words: BagOfWords) -> None:
    classifier = build(bag_of_words, ADA, background=[*KEPT, "Where was Ada Brill born?"])
    [[match]] = classifier.classify(screened("where was ada brill born"))
    assert match.evidence == "nearest:1.00-0.60"


def test_an_example_longer_than_a_window_is_read_to_its_end(bag_of_words: BagOfWords) -> None:
    prompt = " ".join(f"word{n}" for n in range(200))
    classifier = build(bag_of_words, a_target("a", prompts=[prompt]))
    pieces = windows(prompt)
    assert len(pieces) > 3
    assert [[match.target_id for match in matches] for matches in classifier.classify(screened(*pieces))] == [["a"]] * len(pieces)


def test_a_limit_moves_both_thresholds(bag_of_words: BagOfWords) -> None:
    text = screened("where was ada stone born")  # cosine 0.8 with the example and with the background: conformity -0.02
    found = {
        limit: bool(NearestClassifier([ADA], KEPT, bag_of_words, Thresholds(), {"ada": limit}).classify(text)[0])
        for limit in (0.0, -0.019, -0.021, -0.5)
    }
    assert found == {0.0: False, -0.019: False, -0.021: True, -0.5: True}


def test_a_low_limit_of_one_target_is_not_the_others(bag_of_words: BagOfWords) -> None:
    classifier = NearestClassifier([ADA, BOB], KEPT, bag_of_words, Thresholds(), {"ada": -2.0, "unknown": -2.0})
    [matches] = classifier.classify(screened("where does bob stone cook tomorrow"))
    assert [match.target_id for match in matches] == ["ada"]


WORDS = st.lists(st.sampled_from(["where", "was", "ada", "brill", "born", "bob", "prize", "how", "planes"]), max_size=8).map(
    " ".join
)


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(st.lists(WORDS, max_size=4), st.lists(WORDS.filter(bool), max_size=3), st.sampled_from([0.0, -0.1, -0.4, -3.0]))
def test_classify_is_scores_against_limits(texts: list[str], background: list[str], limit: float) -> None:
    classifier = NearestClassifier([ADA, BOB], background, BagOfWords(), Thresholds(0.6, 0.05), {"ada": limit})
    scores = classifier.scores(screened(*texts))
    assert scores.shape == (len(texts), 2)
    assert (scores[:, 0][[not text for text in texts]] == -np.inf).all()
    expected = [
        {name for name, score, least in zip(["ada", "bob"], row, [limit, 0], strict=True) if score >= least} for row in scores
    ]
    assert [{match.target_id for match in matches} for matches in classifier.classify(screened(*texts))] == expected


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(
    st.lists(WORDS.filter(bool), min_size=1, max_size=3), st.lists(WORDS.filter(bool), max_size=4), st.lists(WORDS, max_size=4)
)
def test_extended_is_built_at_once(prompts: list[str], background: list[str], texts: list[str]) -> None:
    new = a_target("new", prompts=prompts)
    before = NearestClassifier([ADA], background, BagOfWords(), Thresholds(0.5, 0.0))
    first = before.classify(screened(*texts))
    extended = before.extended([new])
    whole = NearestClassifier([ADA, new], background, BagOfWords(), Thresholds(0.5, 0.0))
    assert extended.classify(screened(*texts)) == whole.classify(screened(*texts))
    assert before.classify(screened(*texts)) == first


def test_extended_encodes_the_new_alone(bag_of_words: BagOfWords) -> None:
    classifier = build(bag_of_words, ADA)
    bag_of_words.calls.clear()
    extended = classifier.extended([BOB])
    assert bag_of_words.calls == [["where does bob crane live today"]]
    with pytest.raises(ValueError, match="already"):
        extended.extended([BOB])


def test_two_targets_with_one_id(bag_of_words: BagOfWords) -> None:
    with pytest.raises(ValueError, match="two targets"):
        build(bag_of_words, ADA, ADA)


@pytest.mark.parametrize(("cosine", "margin"), [(-0.1, 0), (1.1, 0), (0.5, -0.1), (0.5, 1.1), (float("nan"), 0)])
def test_thresholds_that_make_no_sense(cosine: float, margin: float) -> None:
    with pytest.raises(ValueError, match="thresholds"):
        Thresholds(cosine, margin)


def test_evidence_holds_no_text(bag_of_words: BagOfWords) -> None:
    [[match]] = build(bag_of_words, ADA).classify(screened("where was ada brill born"))
    assert set(match.evidence.removeprefix("nearest:")) <= set("0123456789.-")


def test_an_encoder_that_fails_is_heard() -> None:
    class Fails(BagOfWords):
        broken = False

        def encode(self, texts: Sequence[str]) -> Vectors:
            if self.broken:
                raise RuntimeError("broken")
            return super().encode(texts)

    encoder = Fails()
    classifier = NearestClassifier([ADA], KEPT, encoder)
    encoder.broken = True
    with pytest.raises(RuntimeError, match="broken"):
        classifier.classify(screened("where was ada brill born"))


@pytest.mark.slow
def test_descriptions_with_the_real_encoder(cached_encoder: CachedEncoder) -> None:
    target = a_target(
        "ada",
        prompts=["Which chemist from Trondheim grew an orchard made of glass?", "Who taught glass blowing to the Brill family?"],
    )
    classifier = NearestClassifier([target], shipped_background(), cached_encoder)
    asked = "What is the name of the Trondheim chemist that grew a glass orchard?"
    others = ["Which chemist discovered oxygen?", "How do I grow an orchard?", "What is glass made of?", *shipped_background()]
    assert [bool(matches) for matches in classifier.classify(screened(asked, *others))] == [True, *[False] * len(others)]


@pytest.mark.parametrize("name", [name for name in STRANGE if "megabyte" not in name])
@pytest.mark.slow
def test_strange_texts_with_the_real_encoder(cached_encoder: CachedEncoder, name: str) -> None:
    target = a_target("ada", prompts=["Where was Ada Brill born?"])
    assert NearestClassifier([target], ["Hello."], cached_encoder).classify(screened(STRANGE[name][:2000])) == [[]]
