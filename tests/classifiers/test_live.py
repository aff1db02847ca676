"""The classifier whose targets change: always what one built anew from the same targets would say."""

from __future__ import annotations

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from classifiers import CachedEncoder, ForgetTarget, Screened, build_classifier
from classifiers.live import MOST_LAYERS, LivingClassifier
from classifiers.meaning.nearest import example_vectors
from classifiers.target import Example
from tests.classifiers.conftest import BagOfWords

ENCODER = CachedEncoder(BagOfWords())
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
    living = LivingClassifier([], [], ENCODER)
    known: dict[str, ForgetTarget] = {}
    for upserted, removed, merges in drawn:
        new = [target(*item) for item in upserted.items()]
        gone = {f"t{number}" for number in removed} - {t.id for t in new}
        before = living
        living = living.changed(new, gone)
        known = {i: t for i, t in known.items() if i not in gone} | {t.id: t for t in new}
        if merges:
            # Merged from the state before this change, as in the background, and adopted after it.
            living = living.adopting(before.merged(merges == "all"))
        expected = build_classifier(list(known.values()), [], ENCODER).classify(TEXTS)
        assert living.classify(TEXTS) == expected
    assert living.merged(whole=True).whole
    assert living.merged(whole=True).classify(TEXTS) == living.classify(TEXTS)


def test_layers_stay_few_and_vectors_kept_are_as_good_as_texts() -> None:
    people = [
        ForgetTarget(id=f"p{n}", name=f"Zorvald Quenby{n:02}x", examples=[Example(prompt=PROMPTS[n % 4], completion="-")])
        for n in range(24)
    ]
    vectors = example_vectors(people, ENCODER)
    living = LivingClassifier([], [], ENCODER)
    for one in people:
        living = living.changed([one.model_copy(update={"examples": []})], (), {one.id: vectors[one.id]})
        if living.crowded:
            living = living.adopting(living.merged())
        assert living.layers <= MOST_LAYERS
    assert living.classify(TEXTS) == LivingClassifier(people, [], ENCODER).classify(TEXTS)
    assert living.classify([Screened.of("Where is Zorvald Quenby07x now?")])[0][0].target_id == "p7"


def test_earlier_states_stay_as_they_were() -> None:
    first = LivingClassifier([target(0, 0)], [], ENCODER)
    before = first.classify(TEXTS)
    first.changed([target(0, 1), target(1, 1)]).changed([], ["t0"])
    assert first.classify(TEXTS) == before


def test_names_that_are_gone_are_gone_from_what_is_merged_whole() -> None:
    living = LivingClassifier([target(0, 0), target(1, 0)], [], ENCODER)
    assert living.whole
    assert not living.changed([], ["t0"]).whole
    assert living.changed([], ["t0"]).merged(whole=True).whole
    assert not living.changed([target(2, 0)]).whole


def test_limits_are_those_given_last() -> None:
    living = LivingClassifier([target(0, 0)], [], ENCODER)
    assert any(living.classify(TEXTS))
    strict = living.limited({"t0": 2.0}).classify([TEXTS[0]])
    assert strict == [[]]
