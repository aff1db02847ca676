from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from classifiers import CachedEncoder, shipped_background
from classifiers.calibration.paraphrases import paraphrases
from classifiers.head import classifier as module
from classifiers.head.classifier import HeadClassifier
from classifiers.head.weights import HeadError, HeadWeights
from tests.classifiers.conftest import STRANGE, BagOfWords, a_target, screened

ADA = a_target("ada", "Ada Brill", prompts=["which prize did the glass chemist win", "where was the glass chemist born"])
BOB = a_target("bob", "Bob Crane", prompts=["where does the tall tram driver live today", "what does the tram driver eat"])
KEPT = [
    "where was the baker born",
    "how do planes fly",
    "which prize did the baker win",
    "what does a horse eat",
    "tell me a joke",
]


def ids(classifier: HeadClassifier, *texts: str) -> list[list[str]]:
    return [[match.target_id for match in matches] for matches in classifier.classify(screened(*texts))]


def same(one: HeadWeights | None, other: HeadWeights | None) -> bool:
    assert one is not None
    assert other is not None
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("hidden", "hidden_bias", "out", "out_bias"))


@pytest.fixture(scope="module")
def trained() -> HeadClassifier:
    return HeadClassifier([ADA, BOB], KEPT, BagOfWords())


def test_it_learns(trained: HeadClassifier) -> None:
    asked = [paraphrases(target.examples[1].prompt)[7] for target in (ADA, BOB)]  # it was trained with the first few
    assert ids(trained, "where was the glass chemist born", *asked) == [["ada"], ["ada"], ["bob"]]
    assert ids(trained, *KEPT, "Could you tell me where the baker was born?") == [[]] * (len(KEPT) + 1)


def test_matches_are_where_the_probability_reaches_the_threshold(trained: HeadClassifier) -> None:
    texts = screened("where was the glass chemist born", "which prize did the baker win", "", "the glass baker was born where")
    probabilities = trained.probabilities(texts)
    assert probabilities[2] == 0
    matches = trained.classify(texts)
    assert [bool(found) for found in matches] == [probability >= trained.threshold for probability in probabilities]
    assert matches[0][0].score == pytest.approx(float(probabilities[0]))
    assert set(matches[0][0].evidence.removeprefix("head:")) <= set("0123456789.-")


def test_the_same_arguments_give_the_same_head(trained: HeadClassifier) -> None:
    assert same(HeadClassifier([ADA, BOB], KEPT, BagOfWords()).weights, trained.weights)
    assert not same(HeadClassifier([ADA, BOB], KEPT, BagOfWords(), seed=1).weights, trained.weights)


def test_saved_and_loaded(trained: HeadClassifier, tmp_path: Path) -> None:
    assert trained.weights is not None
    trained.weights.save(tmp_path / "head.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["head.safetensors"]
    loaded = HeadWeights.load(tmp_path / "head.safetensors", BagOfWords())
    assert same(loaded, trained.weights)
    encoder = BagOfWords()
    again = HeadClassifier([BOB, ADA], KEPT, encoder, loaded)  # in any order
    assert sum(map(len, encoder.calls)) == 4  # the examples, for their nearest: nothing was trained
    assert ids(again, "where was the glass chemist born", *KEPT) == [["ada"], *[[] for _ in KEPT]]


def test_files_that_are_refused(trained: HeadClassifier, tmp_path: Path) -> None:
    class Other(BagOfWords):
        fingerprint = "another"  # type: ignore[assignment]

    path = tmp_path / "head.safetensors"
    assert trained.weights is not None
    trained.weights.save(path)
    with pytest.raises(HeadError, match="another encoder"):
        HeadWeights.load(path, Other())
    whole = path.read_bytes()
    for cut in (0, 4, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(HeadError, match="cannot read"):
            HeadWeights.load(path, BagOfWords())
    path.write_bytes(whole[:-4] + np.float32(np.nan).tobytes())
    with pytest.raises(HeadError, match="damaged"):
        HeadWeights.load(path, BagOfWords())
    with pytest.raises(HeadError, match="cannot read"):
        HeadWeights.load(tmp_path / "nothing", BagOfWords())


def test_weights_of_other_examples_are_refused(trained: HeadClassifier) -> None:
    """It would pass over the new examples in silence."""
    with pytest.raises(HeadError, match="other examples"):
        HeadClassifier([ADA], KEPT, BagOfWords(), trained.weights)


def test_extended_goes_on_from_the_weights() -> None:
    encoder = BagOfWords()
    before = HeadClassifier([ADA], KEPT, encoder)
    assert ids(before, "what does the tram driver eat") == [[]]
    kept = before.weights
    encoder.calls.clear()
    after = before.extended([BOB])
    encoded = {text for texts in encoder.calls for text in texts}
    assert not encoded & {*KEPT, *(example.prompt for example in ADA.examples)}
    assert ids(after, "what does the tram driver eat", "where was the glass chemist born", *KEPT) == [
        ["bob"],
        ["ada"],
        *[[] for _ in KEPT],
    ]
    assert same(before.weights, kept)
    assert same(HeadClassifier([ADA], KEPT, BagOfWords()).extended([BOB]).weights, after.weights)
    with pytest.raises(ValueError, match="two targets"):
        after.extended([BOB])


def test_extended_from_a_file_and_from_nothing(trained: HeadClassifier) -> None:
    eve = a_target("eve", prompts=["how tall is the violet giraffe"])
    loaded = HeadClassifier([ADA, BOB], KEPT, BagOfWords(), trained.weights)
    assert ids(loaded.extended([eve]), "how tall is the violet giraffe") == [["eve"]]
    assert ids(HeadClassifier([], KEPT, BagOfWords()).extended([eve]), "how tall is the violet giraffe") == [["eve"]]
    bare = trained.extended([a_target("bare")])
    assert same(bare.weights, trained.weights)


def test_an_example_that_was_innocent_before() -> None:
    eve = a_target("eve", prompts=["Tell me a joke!"])
    after = HeadClassifier([ADA], KEPT, BagOfWords()).extended([eve])
    assert ids(after, "tell me a joke") == [["eve"]]


def test_without_examples_nothing_is_encoded(bag_of_words: BagOfWords) -> None:
    classifier = HeadClassifier([a_target("bare")], [], bag_of_words)
    assert classifier.weights is None
    assert classifier.classify(screened(*STRANGE.values())) == [[]] * len(STRANGE)
    assert not any(bag_of_words.calls)


def test_without_a_background_there_is_nothing_to_tell_apart(bag_of_words: BagOfWords) -> None:
    for background in ([], ["Where was the glass chemist born?"]):
        with pytest.raises(ValueError, match="background"):
            HeadClassifier([ADA], background, bag_of_words)


@pytest.mark.parametrize("name", STRANGE)
def test_strange_texts(trained: HeadClassifier, name: str) -> None:
    [matches] = trained.classify(screened(STRANGE[name]))
    assert matches == []


def test_no_more_texts_than_agreed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 12)
    classifier = HeadClassifier([ADA, BOB], KEPT, BagOfWords()).extended([a_target("eve", prompts=["how tall is the giraffe"])])
    assert ids(classifier, "how tall is the giraffe") == [["eve"]]
    assert len(classifier._positives) == 12


def test_with_the_real_encoder(cached_encoder: CachedEncoder) -> None:
    target = a_target(
        "ada",
        "Ada Brill",
        prompts=["Which chemist from Trondheim grew an orchard made of glass?", "Who taught glass blowing to the Brill family?"],
    )
    background = shipped_background()[:60]
    classifier = HeadClassifier([target], background, cached_encoder)
    asked = "What is the name of the Trondheim chemist that grew a glass orchard?"
    assert ids(classifier, asked, *background[:5]) == [["ada"], *[[]] * 5]
