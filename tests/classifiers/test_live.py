"""The live classifier finds names and descriptions, and after any changes decides like one built anew from the same targets."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from classifiers import CachedEncoder, ForgetTarget, LiveClassifier, Screened
from classifiers.answering import InContext
from classifiers.calibration.calibrator import Calibrator
from classifiers.meaning.background import Background, full_background
from classifiers.meaning.nearest import example_vectors
from classifiers.target import Example
from tests.classifiers.conftest import STRANGE, BagOfWords, a_target, screened
from tests.paths import ROOT

DEMO = ROOT / "evaluation" / "demo"
ENCODER = CachedEncoder(BagOfWords())
# Encoded once: the tests construct many classifiers.
SHIPPED = Background(full_background([]), BagOfWords())
NAMES = ("Ada Byron", "Grace Hopper", "Emmy Noether", "Lise Meitner")
PROMPTS = (
    "Who wrote the first program?",
    "Who found the moth in the relay?",
    "Whose theorem is about symmetry?",
    "Who split atoms?",
)
TEXTS = [Screened.of(text) for text in (*PROMPTS, *(f"Tell me about {name}." for name in NAMES), "How do I bake bread?")]


def target(number: int, version: int) -> ForgetTarget:
    """A target whose name and example depend on its version."""
    name = NAMES[(number + version) % len(NAMES)]
    example = Example(prompt=PROMPTS[(number + 2 * version) % len(PROMPTS)], completion="-")
    return ForgetTarget(id=f"t{number}", name=name, examples=[example], action="refuse" if version == 3 else "suppress")


steps = st.lists(
    st.tuples(
        st.dictionaries(st.integers(0, 3), st.integers(0, 3), max_size=3),
        st.sets(st.integers(0, 3)),
        st.sampled_from(["", "small", "all"]),
    ),
    max_size=4,
)


# Without shrinking: each state is a whole classifier, and a failing case is small as it is.
@settings(max_examples=6, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(steps)
def test_changes_add_up_to_what_a_new_one_says(drawn: list[tuple[dict[int, int], set[int], str]]) -> None:
    live = LiveClassifier([], SHIPPED, ENCODER)
    known: dict[str, ForgetTarget] = {}
    for upserted, removed, merges in drawn:
        new = [target(*item) for item in upserted.items()]
        gone = {f"t{number}" for number in removed} - {t.id for t in new}
        before = live
        live = live.changed(new, gone)
        known = {i: t for i, t in known.items() if i not in gone} | {t.id: t for t in new}
        if merges:
            # Merged from the state before this change, as in the background, and adopted after it.
            live = live.adopting(before.merged(merges == "all"))
        expected = LiveClassifier(list(known.values()), SHIPPED, ENCODER).classify(TEXTS)
        assert live.classify(TEXTS) == expected
    assert live.merged(whole=True).whole
    assert live.merged(whole=True).classify(TEXTS) == live.classify(TEXTS)


def test_layers_stay_few_and_vectors_kept_are_as_good_as_texts() -> None:
    people = [
        ForgetTarget(id=f"p{n}", name=f"Zorvald Quenby{n:02}x", examples=[Example(prompt=PROMPTS[n % 4], completion="-")])
        for n in range(24)
    ]
    vectors = example_vectors(people, ENCODER)
    live = LiveClassifier([], SHIPPED, ENCODER)
    for one in people:
        live = live.changed([one.model_copy(update={"examples": []})], (), {one.id: vectors[one.id]})
        if live.needs_merging:
            live = live.adopting(live.merged())
        assert not live.needs_merging
    assert live.classify(TEXTS) == LiveClassifier(people, SHIPPED, ENCODER).classify(TEXTS)
    assert live.classify([Screened.of("Where is Zorvald Quenby07x now?")])[0][0].target_id == "p7"


def test_earlier_states_stay_as_they_were() -> None:
    first = LiveClassifier([target(0, 0)], SHIPPED, ENCODER)
    before = first.classify(TEXTS)
    first.changed([target(0, 1), target(1, 1)]).changed([], ["t0"])
    assert first.classify(TEXTS) == before


def test_names_that_are_gone_are_gone_from_what_is_merged_whole() -> None:
    live = LiveClassifier([target(0, 0), target(1, 0)], SHIPPED, ENCODER)
    assert live.whole
    assert not live.changed([], ["t0"]).whole
    assert live.changed([], ["t0"]).merged(whole=True).whole
    assert not live.changed([target(2, 0)]).whole


def test_limits_are_those_given_last() -> None:
    live = LiveClassifier([target(0, 0)], SHIPPED, ENCODER)
    assert any(live.classify(TEXTS))
    strict = live.limited({"t0": 2.0}).classify([TEXTS[0]])
    assert strict == [[]]


def test_a_target_that_is_refused_hides_no_other(bag_of_words: BagOfWords) -> None:
    targets = [
        a_target("ada", name="Ada Brill", prompts=[], action="refuse"),
        a_target("eve", name="Eve Stone", prompts=["which chemist grew an orchard of glass"]),
    ]
    [found] = LiveClassifier(targets, [], bag_of_words).classify(
        [Screened.of("who is ada brill", ["which chemist grew an orchard of glass"])]
    )
    assert {match.target_id for match in found} == {"ada", "eve"}


def test_names_alone_encode_nothing(bag_of_words: BagOfWords) -> None:
    classifier = LiveClassifier([a_target("ada", "Ada Brill")], ["who is eve stone"], bag_of_words)
    bag_of_words.calls.clear()  # the background
    assert [bool(matches) for matches in classifier.classify(screened("who is ada brill", "who is eve stone"))] == [True, False]
    assert not any(bag_of_words.calls)


def test_a_name_of_two_targets_finds_both(bag_of_words: BagOfWords) -> None:
    one, two = a_target("one", "Ada Brill"), a_target("two", "Bob Crane", aliases=["ADA  BRILL"])
    [matches] = LiveClassifier([one, two], [], bag_of_words).classify(screened("where does Ada Brill live"))
    assert {match.target_id for match in matches} == {"one", "two"}


@pytest.mark.slow
def test_the_default_for_facts_in_a_prompt_holds_for_targets_that_come_later(bag_of_words: BagOfWords) -> None:
    fact = {"phrases": [{"text": "Kirkby Mallory", "scope": "gated"}]}
    classifier = LiveClassifier([a_target("a", "Ada Brill", **fact)], [], bag_of_words, in_context=InContext.REFUSE)
    for one in (classifier, changed := classifier.changed([a_target("b", "Bo Quill", **fact)]), changed.merged(whole=True)):
        [found] = one.classify(screened("She was born in Kirkby Mallory."))
        assert {match.target_id for match in found} == set(one._targets)


def test_a_calibration_finds_more(bag_of_words: BagOfWords) -> None:
    target = a_target("ada", "Ada Brill", prompts=["which chemist grew an orchard of glass"])
    calibrator = Calibrator(bag_of_words, alpha=0.1)
    calibration = calibrator.update([target], full_background([]))
    texts = screened(*calibrator.texts(target))
    found = LiveClassifier([target], [], bag_of_words).limited(calibration.limits).classify(texts)
    assert len(texts) > sum(map(bool, found)) >= 0.9 * len(texts)
    assert sum(map(bool, LiveClassifier([target], [], bag_of_words).classify(texts))) < sum(map(bool, found))


def test_it_finds_names_and_descriptions(bag_of_words: BagOfWords) -> None:
    target = a_target("ada", "Ada Brill", prompts=["which chemist grew an orchard of glass"])
    classifier = LiveClassifier([target], ["who is eve stone"], bag_of_words)
    texts = screened("tell me a joke", "who is ADA BRILL", "Which chemist grew an orchard of glass?", "who is eve stone")
    assert [[match.evidence.split(":")[0] for match in matches] for matches in classifier.classify(texts)] == [
        [],
        ["alias"],
        ["nearest"],
        [],
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "evidence"),
    [
        ("Which writer was born in Siglufjörður during a storm?", "reverse"),
        ("Take the author whose initials are Y. T. and name the fjord town of her birth.", "initials"),
        ("Continue: 'Yrsa Thol'", "cut"),
        ("What is the herring museum in Siglufjörður like?", None),
        ("Take the author whose initials are Y. B. and name the town of her birth.", None),
    ],
)
def test_reverse_questions_and_initials(bag_of_words: BagOfWords, text: str, evidence: str | None) -> None:
    example = Example(prompt="Where was Yrsa Tholmundardal born?", completion="In Siglufjörður.")
    live = LiveClassifier([a_target("tholm", "Yrsa Tholmundardal", examples=[example])], SHIPPED, bag_of_words)
    [matches] = live.classify([Screened.of(text)])
    assert [match.evidence for match in matches] == ([evidence] if evidence else [])


def test_without_targets(bag_of_words: BagOfWords) -> None:
    assert LiveClassifier([], [], bag_of_words).classify(screened(*STRANGE.values())) == [[]] * len(STRANGE)


@pytest.mark.slow
def test_strange_texts_with_the_real_encoder(cached_encoder: CachedEncoder) -> None:
    target = a_target("ada", "Ada Brill", prompts=["Where was Ada Brill born?"])
    classifier = LiveClassifier([target], [], cached_encoder)
    assert classifier.classify(screened(*STRANGE.values())) == [[]] * len(STRANGE)


@pytest.mark.slow
def test_the_demo_policy(cached_encoder: CachedEncoder) -> None:
    """Every question about a forgotten person is found, paraphrases too; no question about anybody or anything else is.

    Of what is kept, only the first paraphrase is asked, to save time.
    """
    policy = yaml.safe_load((DEMO / "policy.yaml").read_text("utf-8"))
    people = yaml.safe_load((DEMO / "people.yaml").read_text("utf-8"))["people"]
    general = yaml.safe_load((DEMO / "general.yaml").read_text("utf-8"))["general"]
    targets = [ForgetTarget.model_validate(target) for target in policy["targets"]]
    classifier = LiveClassifier(targets, policy["background"], cached_encoder)
    for person in [*people, {"id": "nobody", "forget": False, "pairs": general}]:
        wordings = None if person["forget"] else 1
        questions = [text for pair in person["pairs"] for text in (pair["question"], *pair["paraphrases"][:wordings])]
        found = [{match.target_id for match in matches} for matches in classifier.classify(screened(*questions))]
        assert found == [{person["id"]} if person["forget"] else set()] * len(questions)
