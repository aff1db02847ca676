"""A policy file is read in full or refused with every mistake and its line."""

import textwrap
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from guard.folding import fold
from guard.phrase import Phrase
from server.policy import document
from server.policy.file import PolicyError, load_policy

GOOD = """\
version: 1
targets:
  - id: ada-byron
    name: Ada Byron
    aliases: [Ada Lovelace, "Countess of Lovelace"]
    action: refuse
    examples:
      - prompt: Where did Ada Byron live?
        completion: |
          She lived
          in Kirkby Mallory.
    documents:
      - >
        A long
        text.
    phrases:
      - text: Kirkby Mallory
      - {text: December, scope: gated, match: prefix, penalty: 2.5}
  - id: other
    name: Another One
background:
  - Who wrote Hamlet?
"""


def test_an_empty_policy() -> None:
    read = load_policy("version: 1\ntargets: []\n")
    assert (read.targets, read.background) == ([], [])


@pytest.fixture(params=["libyaml", "python"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both of PyYAML's parsers: which one is there depends on how it was built."""
    if request.param == "python":
        monkeypatch.setattr(document, "_LOADER", yaml.SafeLoader)
    elif not hasattr(yaml, "CSafeLoader"):
        pytest.skip("PyYAML without libyaml")


@pytest.mark.usefixtures("loader")
def test_a_full_policy(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(GOOD, encoding="utf-8")
    read = load_policy(file)
    assert read == load_policy(GOOD) == load_policy("\ufeff" + GOOD) == load_policy(GOOD.replace("\n", "\r\n"))
    ada, other = read.targets
    assert (ada.id, ada.name, ada.action) == ("ada-byron", "Ada Byron", "refuse")
    assert ada.aliases == ["Ada Lovelace", "Countess of Lovelace"]
    assert ada.examples[0].completion == "She lived\nin Kirkby Mallory.\n"
    assert ada.documents == ["A long text.\n"]
    assert ada.phrases == [Phrase("Kirkby Mallory"), Phrase("December", scope="gated", match="prefix", penalty=2.5)]
    assert (other.action, other.phrases) == ("suppress", [])
    assert read.background == ["Who wrote Hamlet?"]


T = "version: 1\ntargets:\n"
P = T + "- id: a\n  name: b\n  phrases:\n"  # the next line is the sixth
Q = "should be text: write it in quotes"

WRONG: list[tuple[str, str, list[str]]] = [
    ("empty", "", ["1: empty: write a mapping with the keys version and targets"]),
    ("comment", "# nothing\n", ["1: empty: write a mapping with the keys version and targets"]),
    ("list", "- a\n", ["1: must be a mapping with the keys version and targets"]),
    ("path by mistake", "policy.yaml", ["1: must be a mapping with the keys version and targets"]),
    ("no targets", "version: 1\n", ["1: targets: missing: add this key"]),
    ("no version", "targets: []\n", ["1: version: missing: add this key"]),
    ("version 2", "version: 2\ntargets: []\n", ["1: version: should be 1, the version of this format"]),
    ("version true", "version: true\ntargets: []\n", ["1: version: should be 1, the version of this format"]),
    ("version 1.0", "version: 1.0\ntargets: []\n", ["1: version: should be 1, the version of this format"]),
    ("version text", "version: '1'\ntargets: []\n", ["1: version: should be 1, the version of this format"]),
    (
        "targets empty",
        "version: 1\ntargets:\n",
        ["2: targets: should be a list: write each entry in a line of its own, after a dash"],
    ),
    (
        "unknown key",
        "version: 1\ntarget: []\ntargets: []\n",
        ["2: target: unknown key: the keys here are version, targets, background, except, defaults"],
    ),
    (
        "unknown key below",
        T + "  - id: a\n    name: b\n    nmae: c\n",
        [
            "5: targets[0].nmae (target a): unknown key: "
            "the keys here are id, name, aliases, examples, documents, phrases, forms, except, semantic, action, answer, "
            "say, echo, in_context, hint, detection"
        ],
    ),
    (
        "unknown key of a phrase",
        T + "  - id: a\n    name: b\n    phrases:\n    - text: cc\n      colour: d\n",
        [
            "7: targets[0].phrases[0].colour (target a): unknown key: "
            "the keys here are text, scope, match, penalty, beta, force, forms"
        ],
    ),
    ("target of text", T + "  - ada\n", ["3: targets[0]: should be a mapping: write {id: ..., name: ...}"]),
    (
        "phrase of text",
        T + "  - id: a\n    name: b\n    phrases:\n      - c\n",
        ["6: targets[0].phrases[0] (target a): should be a mapping: write {text: ...}"],
    ),
    ("missing", T + "  - id: a\n", ["3: targets[0].name (target a): missing: add this key"]),
    (
        "missing in an example",
        T + "- id: a\n  name: b\n  examples:\n  - prompt: c\n",
        ["6: targets[0].examples[0].completion (target a): missing: add this key"],
    ),
    ("missing in a phrase", P + "\n  - scope: gated\n", ["7: targets[0].phrases[0].text (target a): missing: add this key"]),
    ("number", P + "  - text: 1815\n", ["6: targets[0].phrases[0].text (target a): " + Q]),
    ("boolean", T + "- id: a\n  name: true\n", ["4: targets[0].name (target a): " + Q]),
    ("null", T + "- id: a\n  name: ~\n", ["4: targets[0].name (target a): should be text: write it in quotes"]),
    (
        "empty phrase",
        P + "  - text: cc\n  - text: '...'\n",
        ["7: targets[0].phrases[1].text (target a): the text has no letter or digit: the guard compares nothing else"],
    ),
    (
        "empty name",
        T + "- id: a\n  name: '!'\n",
        ["4: targets[0].name (target a): the text has no letter or digit: the guard compares nothing else"],
    ),
    (
        "empty aliases",
        T + "- id: a\n  name: b\n  aliases:\n  - c\n  - '?'\n  - '!'\n",
        [
            "7: targets[0].aliases[1] (target a): the text has no letter or digit: the guard compares nothing else",
            "8: targets[0].aliases[2] (target a): the text has no letter or digit: the guard compares nothing else",
        ],
    ),
    (
        "penalty",
        T + "- id: a\n  name: b\n  phrases: [{text: cc, penalty: 0}]\n",
        ["5: targets[0].phrases[0].penalty (target a): penalty must be above zero, not 0.0"],
    ),
    (
        "not a number",
        T + "- id: a\n  name: b\n  phrases: [{text: cc, penalty: .nan}]\n",
        ["5: targets[0].phrases[0].penalty (target a): penalty must be above zero, not nan"],
    ),
    (
        "semantic words",
        T + "- id: a\n  name: b\n  semantic:\n    words:\n    - physician\n    - their\n",
        ["8: targets[0].semantic.words[1] (target a): a stop word, a number or too short for an anchor: choose another word"],
    ),
    (
        "semantic thresholds",
        T + "- id: a\n  name: b\n  semantic: {words: [physician], floor: 0.9}\n",
        ["5: targets[0].semantic (target a): thresholds must be 0 <= floor < delta < 1, not 0.9 and 0.62"],
    ),
    ("twice", T + "- id: a\n  name: b\n  name: c\n", ["5: targets[0].name (target a): twice in one mapping: remove one"]),
    ("twice at the top", "version: 1\ntargets: []\nversion: 1\n", ["3: version: twice in one mapping: remove one"]),
    ("twice by quotes", 'version: 1\ntargets: []\n"version": 1\n', ["3: version: twice in one mapping: remove one"]),
    (
        "equal ids",
        T + "- id: a\n  name: b\n- name: c\n  id: a\n- id: a\n  name: d\n",
        [
            "6: targets[1].id (target a): the same id as targets[0]: give each target its own",
            "7: targets[2].id (target a): the same id as targets[0]: give each target its own",
        ],
    ),
    ("background", "version: 1\ntargets: []\nbackground:\n- a\n-\n", ["5: background[1]: should be text: write it in quotes"]),
    ("alias", "version: 1\ntargets: []\nbackground: *a\n", ["3: anchors and aliases are not allowed: write the value out"]),
    ("anchor", "version: 1\ntargets: &a []\n", ["2: anchors and aliases are not allowed: write the value out"]),
    ("tag", "version: 1\ntargets: !!python/object/apply:os.system [ls]\n", ["2: tags are not allowed: remove it"]),
    ("tag of a scalar", "version: !!int 1\ntargets: []\n", ["1: tags are not allowed: remove it"]),
    ("second document", "version: 1\ntargets: []\n---\nversion: 1\n", ["3: a second document: keep one in a file"]),
    ("list as a key", "version: 1\n? [a]\n: b\n", ["2: a key must be a plain word"]),
    ("deep", "version: 1\ntargets: " + "[" * 100_000, ["2: nested deeper than 16 levels: a policy needs six"]),
    ("control character", "version: 1\ntargets: []\n# ü\x07\n", ["3: a control character: remove it"]),
    ("nul", "version: 1\n\0", ["2: a control character: remove it"]),
]


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(("text", "messages"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_wrong(text: str, messages: list[str]) -> None:
    with pytest.raises(PolicyError) as caught:
        load_policy(text, name="p.yaml")
    assert str(caught.value).splitlines() == [f"p.yaml:{message}" for message in messages]


def test_mistakes_are_listed_together_in_the_order_of_the_file() -> None:
    text = textwrap.dedent("""\
        version: 2
        targets:
          - id: Not An Id
            name: b
          - id: a
            name: b
            action: eat
            phrases:
              - text: "-"
                scope: sometimes
        extra: 1
        """)
    with pytest.raises(PolicyError) as caught:
        load_policy(text)
    error = caught.value
    assert [(problem.line, problem.path) for problem in error.problems] == [
        (1, "version"),
        (3, "targets[0].id"),
        (7, "targets[1].action"),
        (10, "targets[1].phrases[0].scope"),
        (11, "extra"),
    ]
    assert (error.line, error.column, error.path, error.source) == (1, 1, "version", "policy")
    assert error.problems[1].column == 5


def test_a_flood_of_mistakes_is_cut() -> None:
    with pytest.raises(PolicyError) as caught:
        load_policy("version: 1\ntargets: [" + "5, " * 100 + "]")
    assert len(caught.value.problems) == 100
    assert str(caught.value).splitlines()[-1] == "policy: and 80 more"


def test_messages_do_not_quote_values() -> None:
    secret = "ada byron!"
    with pytest.raises(PolicyError) as caught:
        load_policy(T + f"- id: {secret}\n  name: b\n  action: {secret}\n  phrases: [{{text: x, match: {secret}}}, {secret}]\n")
    assert len(caught.value.problems) == 4
    assert "byron" not in str(caught.value)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(lambda text: fold(text).strip())


@given(st.lists(st.tuples(TEXT, st.sampled_from(["always", "gated"])), max_size=4), TEXT, st.booleans(), st.booleans())
def test_what_a_yaml_library_writes_is_read_back(phrases: list[tuple[str, str]], name: str, flow: bool, unicode: bool) -> None:
    target = {"id": "a", "name": name, "phrases": [{"text": text, "scope": scope, "force": True} for text, scope in phrases]}
    policy = {"version": 1, "targets": [target]}
    text = yaml.safe_dump(policy, default_flow_style=flow, allow_unicode=unicode)
    assume(yaml.safe_load(text) == policy)  # PyYAML writes some line separators so that it cannot read them itself
    read = load_policy(text).targets[0]
    assert read.name == name
    assert [(phrase.text, phrase.scope) for phrase in read.phrases] == phrases


EXCEPTING = """version: 1
except: [Quaddle Brothers]
targets:
  - {id: a, name: Zorin Quaddle}
  - {id: b, name: Velmont Labs}
  - {id: c, name: Quaddle, except: [Quaddle Brothers, Quaddle Street]}
"""


def test_each_target_gets_the_exceptions_of_the_whole_policy_that_concern_it() -> None:
    targets = load_policy(EXCEPTING).targets
    assert [target.excepted for target in targets] == [["Quaddle Brothers"], [], ["Quaddle Brothers", "Quaddle Street"]]


@pytest.mark.parametrize(
    ("excepted", "line"),
    [
        ("[Quaddle Brothers, Grimm]", "policy:2: except[1]: no phrase of any target occurs in it"),
        ("[zorin quaddle]", "policy:2: except[0]: it is a phrase of target a itself"),
        ("['…']", "policy:2: except[0]: the text has no letter"),
        ("Quaddle Brothers", "policy:2: except: should be a list"),
    ],
)
def test_exceptions_of_the_whole_policy_that_make_no_sense(excepted: str, line: str) -> None:
    with pytest.raises(PolicyError) as error:
        load_policy(EXCEPTING.replace("[Quaddle Brothers]", excepted, 1), name="policy")
    assert str(error.value).startswith(line)
    assert len(error.value.problems) == 1


def test_an_exception_of_a_target_that_makes_no_sense_names_target_and_place() -> None:
    with pytest.raises(PolicyError) as error:
        load_policy(EXCEPTING.replace("Quaddle Street", "Grimm"), name="policy")
    assert str(error.value).startswith("policy:6: targets[2].except[1] (target c): no phrase occurs in the exception")


DEFAULTS = """
version: 1
defaults: {answer: rephrase, say: {default: No., de: Nein.}, echo: ban, in_context: refuse, hint: Be careful.}
targets:
  - {id: a, name: Ada Byron}
  - {id: b, name: Bob Cat, answer: mask, say: Well., echo: allow, in_context: allow, hint: ""}
"""


def test_defaults_are_copied_into_targets_that_leave_them_out() -> None:
    a, b = load_policy(DEFAULTS).targets
    assert (a.answer, a.say, a.echo, a.in_context, a.hint) == (
        "rephrase",
        {"default": "No.", "de": "Nein."},
        "ban",
        "refuse",
        "Be careful.",
    )
    assert (b.answer, b.say, b.echo, b.in_context, b.hint) == ("mask", "Well.", "allow", "allow", "")


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (
            "version: 1\ndefaults:\n  say:\n    de: Nicht Ada Byron!\ntargets:\n  - {id: a, name: Ada Byron}\n",
            ["4: defaults.say.de: it says a name or a phrase of target a: write a text that names nothing"],
        ),
        (
            "version: 1\ndefaults:\n  hint: Say nothing of Ada Byron.\ntargets:\n  - {id: a, name: Ada Byron}\n",
            ["3: defaults.hint: it says a name or a phrase of target a: write a text that names nothing"],
        ),
        (
            "version: 1\ndefaults:\n  anser: mask\ntargets: []\n",
            ["3: defaults.anser: unknown key: the keys here are answer, say, echo, in_context, hint, detection"],
        ),
        ("version: 1\ndefaults: mask\ntargets: []\n", ["2: defaults: should be a mapping: write {answer: ..., say: ...}"]),
        (
            T + "  - id: a\n    name: Ada Byron\n    say: I know no Ada Byron.\n",
            ["5: targets[0].say (target a): it says a name or a phrase of the target: write a text that names nothing"],
        ),
        (
            T + "  - id: a\n    name: Ada Byron\n    say:\n      fr: Pas Ada Byron.\n",
            ["6: targets[0].say.fr (target a): it says a name or a phrase of the target: write a text that names nothing"],
        ),
        (
            T + "  - id: a\n    name: Ada Byron\n    say: ''\n",
            ["5: targets[0].say (target a): the text is blank: write what the answer says, or leave it out"],
        ),
    ],
)
def test_wrong_ways_to_answer_are_told_by_their_place(text: str, problems: list[str]) -> None:
    with pytest.raises(PolicyError) as caught:
        load_policy(text, name="p")
    assert str(caught.value).splitlines() == [f"p:{problem}" for problem in problems]


def test_a_default_text_does_not_concern_a_target_with_its_own() -> None:
    text = "version: 1\ndefaults: {say: Not Ada Byron.}\ntargets: [{id: a, name: Ada Byron, say: No.}]\n"
    assert load_policy(text).targets[0].say == "No."


def test_the_defaults_of_detection_fill_what_targets_leave_out() -> None:
    policy = load_policy(
        "version: 1\ndefaults:\n  detection: {history: 4, system: ignore}\ntargets:\n"
        "  - {id: a, name: Ada Byron}\n  - {id: b, name: Bob Cat, detection: {history: all, tools: count}}\n"
    )
    written = [target.model_dump(mode="json")["detection"] for target in policy.targets]
    assert written == [{"history": 4, "system": "ignore"}, {"history": "all", "system": "ignore", "tools": "count"}]


@pytest.mark.parametrize(
    ("detection", "problem"),
    [
        ("{history: 0}", "targets[0].detection.history (target a): should be all, or the number of user turns that count"),
        ("{history: soon}", "should be all, or the number of user turns"),
        ("{sistem: ignore}", "unknown key: the keys here are history, refuse_on, system, tools, documents"),
        ("{system: refuse}", "'ignore', 'restrict' or 'count'"),
        ("all", "should be a mapping: write {history: ...}"),
    ],
)
def test_wrong_detection_is_told_by_its_place(detection: str, problem: str) -> None:
    with pytest.raises(PolicyError) as raised:
        load_policy(f"version: 1\ntargets:\n  - id: a\n    name: Ada Byron\n    detection: {detection}\n")
    assert problem in str(raised.value)
    assert raised.value.line == 5
