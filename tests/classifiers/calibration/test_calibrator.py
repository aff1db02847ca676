from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from classifiers import Encoder, ForgetTarget, NearestClassifier
from classifiers.calibration.calibrator import ALPHA, Calibrator
from classifiers.calibration.limits import Calibration
from classifiers.meaning.encoder import Vectors
from classifiers.profile.classifier import ProfileClassifier
from tests.classifiers.conftest import STRANGE, BagOfWords, a_target, screened

ADA = a_target("ada", "Ada Brill", prompts=["which prize did the glass chemist win", "where was the glass chemist born"])
BOB = a_target("bob", "Bob Crane", prompts=["where does the tall tram driver live today"])
BARE = a_target("bare", "Eve Stone")
KEPT = ["where was the baker born", "how do planes fly", "which prize did the baker win"]


def test_the_cap_wins_over_the_miss_rate(bag_of_words: BagOfWords) -> None:
    """Two of the three innocent prompts are near the examples: a limit that finds the rewordings finds them as well."""
    [free] = Calibrator(bag_of_words, 0.05, names=False, cap=1).update([ADA, BOB], KEPT).groups
    [capped] = Calibrator(bag_of_words, 0.05, names=False, cap=0).update([ADA, BOB], KEPT).groups
    assert free.limit < capped.limit == capped.default
    assert (free.promised, capped.promised) == (0.05, None)
    assert free.missed is not None
    assert capped.missed is not None
    assert free.missed < capped.missed


def test_what_identifies_nobody_is_not_reworded(bag_of_words: BagOfWords) -> None:
    target = a_target("ada", "Ada Brill", prompts=["Where was she born?", "Where was Ada Brill born?"])
    texts = Calibrator(bag_of_words).texts(target)
    assert texts
    assert not any("she" in text for text in texts)


def calibrate(
    targets: Sequence[ForgetTarget],
    background: Sequence[str],
    encoder: Encoder,
    alpha: float = ALPHA,
    groups: Mapping[str, str] | None = None,
    asked: Mapping[str, Sequence[str]] | None = None,
) -> Calibration:
    """Return what a new calibrator computes."""
    return Calibrator(encoder, alpha).update(targets, background, groups, asked)


@pytest.mark.slow
def test_the_promise_is_kept_on_the_calibration_texts(bag_of_words: BagOfWords) -> None:
    for alpha in (0.05, 0.1, 0.3):
        calibrator = Calibrator(bag_of_words, alpha, names=False, cap=1)
        calibration = calibrator.update([ADA, BOB], KEPT)
        [group] = calibration.groups
        assert group.promised == alpha
        assert group.limit <= group.default == 0
        classifier = NearestClassifier([ADA, BOB], KEPT, bag_of_words, limits=calibration.limits)
        found = total = 0
        for target in (ADA, BOB):
            texts = screened(*calibrator.texts(target))
            total += len(texts)
            found += sum(target.id in {match.target_id for match in matches} for matches in classifier.classify(texts))
        assert total == group.n
        assert 1 - found / total <= alpha


@pytest.mark.slow
def test_too_few_texts_promise_nothing(bag_of_words: BagOfWords) -> None:
    [group] = Calibrator(bag_of_words, 0.01, texts_per_target=20).update([BOB], KEPT).groups
    assert (group.n, group.needed) == (20, 99)
    assert (group.conformal, group.promised, group.limit) == (None, None, 0.0)


@pytest.mark.slow
def test_names_count_as_found(bag_of_words: BagOfWords) -> None:
    target = a_target("ada", "Ada Brill", prompts=["where was ada brill born"])
    [alone] = Calibrator(bag_of_words, 0.1, names=False).update([target], KEPT).groups
    [both] = Calibrator(bag_of_words, 0.1).update([target], KEPT).groups
    assert alone.conformal is not None
    assert both.conformal is not None
    assert alone.conformal < both.conformal
    assert alone.limit <= both.limit


def test_targets_without_examples(bag_of_words: BagOfWords) -> None:
    calibration = calibrate([BARE], KEPT, bag_of_words)
    [group] = calibration.groups
    assert (group.targets, group.bare, group.n, group.promised, group.observed, group.held_out) == (0, 1, 0, None, None, None)
    assert (group.false_alarms, calibration.limits) == (0.0, {"bare": 0.0})
    assert calibrate([], KEPT, bag_of_words).groups == ()


@pytest.mark.slow
def test_one_example_has_none_to_hold_out(bag_of_words: BagOfWords) -> None:
    assert calibrate([BOB], KEPT, bag_of_words).groups[0].held_out is None
    twice = a_target("ada", prompts=["one two three four", "One two, three four?"])  # the same, folded
    assert calibrate([twice], KEPT, bag_of_words).groups[0].held_out is None


def test_held_out_examples_are_compared_with_the_others(bag_of_words: BagOfWords) -> None:
    near = a_target("near", prompts=["one two three four five", "one two three four six", "seven eight nine"])
    [group] = Calibrator(bag_of_words, 0.9, names=False).update([near], []).groups
    assert group.limit == 0
    assert group.held_out == pytest.approx(2 / 3)


@pytest.mark.slow
def test_false_alarms_leave_the_prompt_itself_out(bag_of_words: BagOfWords) -> None:
    """With itself in the background no prompt would ever be an alarm."""
    target = a_target("ada", prompts=["one two three four five"])
    background = ["one two three four six", "how do planes fly", "one two three four seven"]
    [group] = Calibrator(bag_of_words, 0.9, names=False).update([target], background[:2]).groups
    assert group.false_alarms_default == pytest.approx(1 / 2)
    # A neighbour in the background takes the margin away.
    [group] = Calibrator(bag_of_words, 0.9, names=False).update([target], background).groups
    assert group.false_alarms_default == 0


@pytest.mark.slow
def test_a_name_in_the_background_is_a_false_alarm(bag_of_words: BagOfWords) -> None:
    background = ["how do planes fly", "ada brill"]
    [group] = Calibrator(bag_of_words).update([ADA], background).groups
    assert group.false_alarms_default == pytest.approx(1 / 2)
    [group] = Calibrator(bag_of_words, names=False).update([ADA], background).groups
    assert group.false_alarms_default == 0


@pytest.mark.slow
def test_an_example_in_the_background_is_left_out(bag_of_words: BagOfWords) -> None:
    with_it = calibrate([ADA, BOB], [*KEPT, "Where was the glass chemist born?"], bag_of_words, 0.1)
    assert with_it.groups == calibrate([ADA, BOB], KEPT, bag_of_words, 0.1).groups


def test_groups_are_calibrated_by_themselves(bag_of_words: BagOfWords) -> None:
    together = calibrate([ADA, BOB, BARE], KEPT, bag_of_words, 0.1, {"ada": "people", "bare": "people"})
    assert [(group.group, group.targets, group.bare) for group in together.groups] == [("all", 1, 0), ("people", 1, 1)]
    assert together.group_of == {"ada": "people", "bare": "people", "bob": "all"}
    [alone] = calibrate([BOB], KEPT, bag_of_words, 0.1).groups
    assert together.groups[0] == alone


@pytest.mark.slow
def test_prompts_that_were_asked_come_first(bag_of_words: BagOfWords) -> None:
    asked = ["what did the chemist get", "who makes glass", "where was the glass chemist born", "", "who makes GLASS stuff"]
    [group] = calibrate([ADA], KEPT, bag_of_words, 0.3, asked={"ada": asked}).groups
    assert (group.source, group.n) == ("asked", 3)  # an example and a blank one do not count
    [group] = calibrate([ADA], KEPT, bag_of_words, 0.2, asked={"ada": asked}).groups
    assert group.source == "paraphrases"
    assert group.needed == 4


@pytest.mark.slow
def test_the_order_of_targets_does_not_matter(bag_of_words: BagOfWords) -> None:
    one, other = calibrate([ADA, BOB], KEPT, bag_of_words, 0.1), calibrate([BOB, ADA], KEPT, bag_of_words, 0.1)
    assert one == other


@pytest.mark.slow
def test_only_what_changed_is_encoded(bag_of_words: BagOfWords) -> None:
    calibrator = Calibrator(bag_of_words, 0.1)
    first = calibrator.update([ADA], KEPT)
    bag_of_words.calls.clear()
    assert calibrator.update([ADA], KEPT) == first
    assert bag_of_words.calls == []
    both = calibrator.update([ADA, BOB], KEPT)
    encoded = {text for texts in bag_of_words.calls for text in texts}
    assert encoded
    own = [BOB.examples[0].prompt, *(window for text in screened(*calibrator.texts(BOB)) for window in text.windows)]
    assert encoded == set(own)
    assert both == calibrate([ADA, BOB], KEPT, bag_of_words, 0.1)
    assert calibrator.update([ADA], KEPT) == first


@pytest.mark.slow
def test_what_scores_depend_on_is_computed_again(bag_of_words: BagOfWords) -> None:
    calibrator = Calibrator(bag_of_words, 0.1)
    calibrator.update([ADA, BOB], KEPT)
    for targets, background in (
        ([ADA, BOB], KEPT[:1]),
        ([ADA, a_target("bob", "Bob Crane", prompts=["which prize did the baker win"])], KEPT),
        ([a_target("ada", "Glass Chemist", prompts=[e.prompt for e in ADA.examples]), BOB], KEPT),
    ):
        assert calibrator.update(targets, background) == calibrate(targets, background, bag_of_words, 0.1)


def test_small_batches(bag_of_words: BagOfWords) -> None:
    calibrate([ADA, BOB], KEPT, bag_of_words)
    assert max(map(len, bag_of_words.calls)) <= 32


@pytest.mark.slow
def test_updates_from_several_threads(bag_of_words: BagOfWords) -> None:
    calibrator = Calibrator(bag_of_words, 0.1)
    policies = [[ADA], [ADA, BOB], [BOB, BARE]]
    with ThreadPoolExecutor(4) as executor:
        results = list(executor.map(lambda targets: calibrator.update(targets, KEPT), policies * 3))
    assert results == [calibrate(targets, KEPT, bag_of_words, 0.1) for targets in policies] * 3


@pytest.mark.slow
def test_strange_examples_and_backgrounds(bag_of_words: BagOfWords) -> None:
    strange = [text[:3000] for text in STRANGE.values()]
    target = a_target("odd", prompts=[text for text in strange if text.strip()])
    [group] = calibrate([target], strange, bag_of_words, 0.1, asked={"odd": strange}).groups
    assert group.targets == 1


@pytest.mark.parametrize("alpha", [0.0, 1.0, -1.0, float("nan")])
def test_a_miss_rate_that_makes_no_sense(bag_of_words: BagOfWords, alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha"):
        Calibrator(bag_of_words, alpha)


def test_an_encoder_that_fails_is_heard_and_changes_nothing() -> None:
    class Fails(BagOfWords):
        broken = False

        def encode(self, texts: Sequence[str]) -> Vectors:
            if self.broken:
                raise RuntimeError("broken")
            return super().encode(texts)

    encoder = Fails()
    calibrator = Calibrator(encoder, 0.1)
    first = calibrator.update([ADA], KEPT)
    encoder.broken = True
    with pytest.raises(RuntimeError, match="broken"):
        calibrator.update([ADA, BOB], KEPT)
    assert calibrator.update([ADA], KEPT) == first


@pytest.mark.slow
def test_a_target_alone_has_the_calibration_that_it_has_in_a_group(bag_of_words: BagOfWords) -> None:
    profiles = ProfileClassifier(bag_of_words)
    calibrator = Calibrator(bag_of_words, 0.1, profiles=profiles.beside(bag_of_words))
    grouped = calibrator.update([ADA, BARE], KEPT).targets
    assert calibrator.alone(ADA, KEPT) == grouped["ada"]
    assert grouped["ada"].negatives
    assert calibrator.alone(BARE, KEPT) is None
    assert not len(profiles._known)
