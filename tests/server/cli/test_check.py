"""What the operator sees of the phrases that examples suggest."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from guard import Phrase, Restriction
from server.cli.check import proposal_yaml, proposals
from server.cli.main import app
from server.policy.file import load_policy

POLICY = """version: 1
targets:
- id: zef
  name: Zeferino Tabanqueiro
  examples:
  - prompt: What was he and what did he write?
    completion: 'A florist who wrote "The Gilded Pangolin: [red] Yes".'
  phrases:
  - {text: sextant, scope: gated}
- id: nobody
  name: Nobody Known
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["extract", *arguments], env={"COLUMNS": "200", "NO_COLOR": "1"})


def test_the_table_says_which_phrases_and_why(policy: Path) -> None:
    result = run(str(policy))
    assert result.exit_code == 0, result.output
    (row,) = [line for line in result.output.splitlines() if "Pangolin" in line]
    assert [cell.strip() for cell in row.split("│")[1:6]] == ["zef", "The Gilded Pangolin", "always", "title", "examples[0]"]
    assert "florist" in result.output
    assert "sextant" not in result.output  # explicit already
    assert policy.read_text() == POLICY


def test_the_yaml_can_be_pasted_below_the_explicit_phrases(policy: Path) -> None:
    result = run(str(policy), "--yaml")
    assert result.exit_code == 0, result.output
    entries = "\n".join(line for line in result.output.splitlines() if line.startswith("  - "))
    pasted = load_policy(POLICY.replace("scope: gated}\n", f"scope: gated}}\n{entries}\n", 1))
    proposed = [candidate.phrase for candidate in dict(proposals(policy))["zef"]]
    assert pasted.targets[0].phrases == [*load_policy(policy).targets[0].phrases, *proposed]
    assert "# nobody: 0 phrases" in result.output


def test_texts_that_yaml_would_read_otherwise_are_quoted(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(
        "version: 1\ntargets:\n- id: a\n  name: A b\n  documents: [\"He had 17 sons in 1961, 'No: # & [x] Zzyzx' says.\"]\n"
    )
    found = proposals(path)
    entries = "\n".join(line for line in proposal_yaml(found).splitlines() if line.startswith("  - "))
    again = load_policy(f"version: 1\ntargets:\n- id: a\n  name: A b\n  phrases:\n{entries}\n").targets[0].phrases
    assert again == [candidate.phrase for candidate in found[0][1]]
    assert {"17", "1961"} <= {phrase.text for phrase in again}


def test_a_background_makes_phrases_common(policy: Path, tmp_path: Path) -> None:
    background = tmp_path / "innocent.txt"
    background.write_text("I read The Gilded Pangolin.\n\nMe too.\n")
    result = run(str(policy), "--background", str(background), "--yaml")
    assert "{text: The Gilded Pangolin, scope: gated}  # title, examples[0], in 1 innocent texts" in result.output


@pytest.mark.slow  # semantic words need the encoder
def test_totals_count_what_would_be_banned(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(
        "version: 1\ntargets:\n"
        "- {id: a, name: Ada Byron, phrases: [{text: London, scope: gated}], semantic: {words: [poetry]}, forms: []}\n"
        "- {id: b, name: Bob Cat, forms: []}\n"
        "- {id: c, name: Cat Doe, phrases: [{text: Leeds, scope: gated}], action: refuse, forms: []}\n"
        "background: [Where is Leeds?]\n"
    )
    settings = {"COLUMNS": "200", "NO_COLOR": "1", "GUARD_DATA_DIR": str(tmp_path / "data")}
    result = CliRunner().invoke(app, ["check-policy", str(path)], env=settings)
    row = next(line for line in result.output.splitlines() if " poem " in line)
    assert [cell.strip() for cell in row.split("│")][1:4] == ["a", "poetry", "poem"]
    assert len(list((tmp_path / "data" / "words").iterdir())) == 1
    always = Restriction.compile([Phrase("Ada Byron"), Phrase("Bob Cat")])
    gated = ([Phrase("London")], [Phrase("Leeds"), Phrase("Cat Doe")])
    nodes = len(always.automaton.label) + sum(len(Restriction.compile(phrases).automaton.label) for phrases in gated)
    assert (
        "2 phrases and forms banned in every answer, 2 targets with gated phrases, "
        f"1 background prompts, {nodes} automaton nodes." in result.output
    )


def test_forms_are_counted_and_warnings_name_target_and_place(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(
        "version: 1\ntargets:\n- {id: a, name: Zorin Quaddle, aliases: [Will Price], except: [Quaddle Brothers]}\n",
        encoding="utf-8",
    )
    result = CliRunner().invoke(app, ["check-policy", str(path)], env={"COLUMNS": "200", "NO_COLOR": "1"})
    target = load_policy(path).targets[0]
    count = sum(one.source is not None and one.source.text == "Zorin Quaddle" for one in target.banned())
    row = next(line for line in result.output.splitlines() if "Zorin Quaddle" in line)
    assert count > 0
    assert str(count) in [cell.strip() for cell in row.split("│")]
    assert "warning: target a: aliases[0] is made of ordinary words" in result.output
    assert "warning: target a: except[0] goes on behind a phrase in it" in result.output


def test_what_cannot_be_read_is_told(policy: Path, tmp_path: Path) -> None:
    assert run(str(tmp_path / "none.yaml")).exit_code == 2
    assert run(str(policy), "--background", str(tmp_path / "none.txt")).exit_code == 2
    result = run(str(policy), "--language", "tlh")
    assert result.exit_code == 2
    assert "tlh" in result.output


def test_how_each_target_is_answered_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(
        "version: 1\ntargets:\n- {id: a, name: Zorin Quaddle, forms: [], answer: rephrase}\n- {id: b, name: Bo Que, forms: []}\n",
        encoding="utf-8",
    )
    result = CliRunner().invoke(app, ["check-policy", str(path)], env={"COLUMNS": "200", "NO_COLOR": "1"})
    rows = [[cell.strip() for cell in line.split("│")[1:4]] for line in result.output.splitlines() if line.startswith("│")]
    assert rows == [["a", "suppress", "rephrase"], ["b", "suppress", "default"]]
