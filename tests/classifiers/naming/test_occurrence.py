"""Occurrences of names, judged: a person, a namesake, another thing of the same name, an ordinary word."""

from __future__ import annotations

import pytest

from classifiers import Example, ForgetTarget, Screened
from classifiers.naming.alias import AliasClassifier
from tests.classifiers.conftest import a_target

EINSTEIN, TURING = a_target("einstein", "Albert Einstein"), a_target("turing", "Alan Turing")
TESLA, THATCHER, KING = a_target("tesla", "Nikola Tesla"), a_target("thatcher", "Margaret Thatcher"), a_target("king", "Ada King")
WALL = ForgetTarget(
    id="wall", name="The Wall", examples=[Example(prompt="Which songs are on the album The Wall?", completion="Twenty-six.")]
)
CLASSIFIER = AliasClassifier(
    [
        EINSTEIN,
        TURING,
        TESLA,
        THATCHER,
        KING,
        WALL,
        a_target("oasis", "Oasis"),
        a_target("skarn", "Ebba Skarn", aliases=["Skarn"]),
    ]
)


@pytest.mark.parametrize(
    ("text", "target", "evidence", "certain"),
    [
        ("What did Einstein say to Bohr?", "einstein", "word", True),
        ("Who was Einstein?", "einstein", "word", True),
        ("A. Einstein, letters", "einstein", "variant", True),
        ("a einstein letters", "einstein", "variant", False),
        ("einstein tongue photo", "einstein", "word", False),
        ("What did Carl Einstein write?", "einstein", "namesake", False),
        ("How do Einstein bagels taste?", "einstein", "word", False),
        ("What is a Turing machine?", "turing", "namesake", False),
        ("Who was Turing?", "turing", "word", True),
        # What the operator lists counts wherever it is.
        ("What is the Skarn theorem?", "skarn", "alias", True),
        ("Did Tesla die poor?", "tesla", "word", True),
        ("Does Tesla own a bank?", "tesla", "word", False),
        ("What did Thatcher see?", "thatcher", "word", True),
        ("what did thatcher do to council houses", "thatcher", "word", True),
        ("is there a thatcher near norwich", "thatcher", None, False),
        ("What did King see?", "king", "person", False),
        ("King of the hill", "king", None, False),
        ("Who sings on The Wall?", "wall", "alias", True),
        ("Who wrote the novel called The Wall?", "wall", "namesake", False),
        ("What is the album The Wall about?", "wall", "alias", True),
        ("What hangs on the wall, Mary?", "wall", "small", False),
        ("who sings on the wall", "wall", "weak name", False),
        # Nothing is known of this target, so nothing contradicts.
        ("What is the novel Oasis about?", "oasis", "alias", True),
    ],
)
def test_judgements(text: str, target: str, evidence: str | None, certain: bool) -> None:
    [matches] = CLASSIFIER.classify([Screened.of(text)])
    found = [(match.evidence, match.certain) for match in matches if match.target_id == target]
    assert found == ([(evidence, certain)] if evidence else [])
