"""Features of a prompt and a target, each against what it is defined as."""

from __future__ import annotations

import numpy as np
import pytest

from classifiers import Example, ForgetTarget
from classifiers.meaning.background import Background
from classifiers.naming.search import NO_DOUBT, Doubt
from classifiers.profile.classifier import ProfileClassifier
from classifiers.profile.features import NAMES, features
from guard.phrase import Phrase
from tests.classifiers.conftest import BagOfWords

TARGET = ForgetTarget(
    id="ada",
    name="Ada Brillquist",
    phrases=[Phrase("Vesterholm", scope="gated")],
    examples=[Example(prompt="Which orchard did Ada Brillquist plant?", completion="A glass orchard with quinces.")],
)
KEPT = ["which orchard is the largest", "how do planes fly"]


def found(encoder: BagOfWords, text: str, target: ForgetTarget = TARGET, doubt: Doubt = NO_DOUBT) -> dict[str, float]:
    profiles = ProfileClassifier(encoder)
    vectors = encoder.encode([text])
    [window] = profiles.windows([text], vectors, Background(KEPT, encoder).nearest(vectors))
    profile, known = profiles.known(target)
    return dict(zip(NAMES, features(window, profile, known, doubt).tolist(), strict=True))


def test_cosines_and_leads_are_those_of_the_best_texts(bag_of_words: BagOfWords) -> None:
    text = "Which orchard did she plant?"
    values = found(bag_of_words, text)
    cosine = float((bag_of_words.encode([text]) @ bag_of_words.encode([TARGET.examples[0].prompt]).T)[0, 0])
    other = float((bag_of_words.encode([text]) @ bag_of_words.encode(KEPT).T).max())
    assert values["ask"] == pytest.approx(cosine, abs=1e-6)
    assert values["ask lead"] == pytest.approx(cosine - other, abs=1e-6)
    told = [TARGET.examples[0].completion, "Ada Brillquist: Vesterholm"]
    assert values["tell"] == pytest.approx(float((bag_of_words.encode([text]) @ bag_of_words.encode(told).T).max()), abs=1e-6)


def test_words_of_names_and_facts_are_told_apart(bag_of_words: BagOfWords) -> None:
    assert found(bag_of_words, "Brillquist")["named words"] > 0
    assert found(bag_of_words, "Brillquist")["fact words"] == 0
    assert found(bag_of_words, "Where is Vesterholm?")["fact words"] > 0
    nothing = found(bag_of_words, "How do planes fly?")
    assert nothing["named words"] == nothing["fact words"] == nothing["shared"] == nothing["shared words"] == 0


def test_what_is_covered_is_a_share(bag_of_words: BagOfWords) -> None:
    whole = found(bag_of_words, "quinces orchard")
    assert whole["covered"] == pytest.approx(1.0)
    assert whole["shared words"] == 2
    assert 0 < found(bag_of_words, "quinces and locomotives")["covered"] < 1


def test_capitals_that_are_not_the_targets_are_foreign(bag_of_words: BagOfWords) -> None:
    assert found(bag_of_words, "which orchard did Zebulon Quirk plant")["foreign"] > 0
    assert found(bag_of_words, "which orchard did Brillquist plant")["foreign"] == 0
    # Where every word has a capital, capitals tell nothing.
    assert found(bag_of_words, "Which Orchard Did Zebulon Plant")["foreign"] == 0


def test_a_doubtful_name_adds_its_products(bag_of_words: BagOfWords) -> None:
    sure, doubtful = found(bag_of_words, "quinces orchard"), found(bag_of_words, "quinces orchard", doubt=Doubt(named=True))
    assert (sure["doubtful"], doubtful["doubtful"]) == (0, 1)
    assert sure["doubtful x tell lead"] == 0
    assert doubtful["doubtful x tell lead"] == pytest.approx(doubtful["tell lead"], abs=1e-6)


def test_a_name_that_is_a_description_is_said_by_its_words(bag_of_words: BagOfWords) -> None:
    topic = ForgetTarget(id="topic", name="forging passports")
    assert found(bag_of_words, "how does one forge a passport", topic)["topic"] == 1
    assert found(bag_of_words, "how do I renew my passport", topic)["topic"] == 0
    assert found(bag_of_words, "which orchard did she plant")["topic"] == 0


def test_all_features_are_numbers(bag_of_words: BagOfWords) -> None:
    bare = ForgetTarget(id="bare", name="Eve Stonequist")
    for text in ("", "?", "Eve Stonequist", "a" * 1000, "今天天气怎么样"):
        assert np.isfinite(list(found(bag_of_words, text, bare).values())).all()


@pytest.mark.parametrize(
    ("doubt", "marked"),
    [
        (NO_DOUBT, set()),
        (Doubt(named=True), {"doubtful"}),
        (Doubt(part=True, person=True), {"part", "person"}),
        (Doubt(named=True, namesake=True), {"doubtful", "namesake"}),
        (Doubt(named=True, small=True), {"doubtful", "small"}),
    ],
)
def test_what_is_in_doubt_is_marked(bag_of_words: BagOfWords, doubt: Doubt, marked: set[str]) -> None:
    values = found(bag_of_words, "now brillquist", doubt=doubt)
    assert {name for name in ("doubtful", "part", "person", "namesake", "small") if values[name]} == marked


def test_a_doubtful_name_beside_words_of_its_kind(bag_of_words: BagOfWords) -> None:
    film = ForgetTarget(id="up", name="Up", examples=[Example(prompt="Who directed Up?", completion="Pete Docter, in 2009.")])
    named = Doubt(named=True)
    same, other, none = (
        found(bag_of_words, text, film, named)
        for text in ("which actor speaks in up", "how do up shares do", "what is up with the eggs")
    )
    assert (same["doubtful x kind"], same["doubtful x other kind"]) == (1, 0)
    assert (other["doubtful x kind"], other["doubtful x other kind"]) == (0, 1)
    assert (none["doubtful x kind"], none["doubtful x other kind"]) == (0, 0)
    # A name that leaves no doubt needs no kind.
    assert found(bag_of_words, "which actor speaks in up", film)["doubtful x kind"] == 0
