"""The command line: `guard-server serve`, `ask`, `check-policy` and `extract`.

Nothing of the project is imported here until a command runs. vLLM starts its workers as fresh interpreters, which import the main
module, this one, again; and vLLM 0.32's CPU worker does not start in an interpreter that has imported numba before it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Keep forgotten things from being said: suppression in front of vLLM."
)

Model = Annotated[str | None, typer.Option(help="Model to serve: a folder or a name on the hub.", envvar="GUARD_MODEL")]
PolicyFile = Annotated[Path | None, typer.Option(help="Policy file (YAML).", envvar="GUARD_POLICY")]
DataFolder = Annotated[Path | None, typer.Option(help="Where compiled restrictions are kept.", envvar="GUARD_DATA_DIR")]
VllmArguments = Annotated[list[str] | None, typer.Argument(help="After --: arguments for vLLM, unchanged.")]


@app.command()
def serve(
    model: Model = None,
    policy: PolicyFile = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", envvar="GUARD_HOST")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 picks a free one.", envvar="GUARD_PORT")] = None,
    data_dir: DataFolder = None,
    sample: Annotated[list[str] | None, typer.Option(help="Ask this once ready, and show both answers.")] = None,
    vllm_args: VllmArguments = None,
) -> None:
    """Serve the OpenAI API with the guard in front of the model."""
    from server import commands

    commands.serve(
        commands.settings_from(
            model=model, policy=policy, host=host, port=port, data_dir=data_dir, vllm_args=tuple(vllm_args or ()) or None
        ),
        sample or [],
    )


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What to ask.")],
    model: Model = None,
    policy: PolicyFile = None,
    data_dir: DataFolder = None,
    vllm_args: VllmArguments = None,
) -> None:
    """Answer a question on a local engine, without and with the guard."""
    from server import commands

    commands.ask(
        commands.settings_from(model=model, policy=policy, data_dir=data_dir, vllm_args=tuple(vllm_args or ()) or None), question
    )


@app.command("check-policy")
def check_policy(
    file: Annotated[Path, typer.Argument(help="Policy file (YAML).")],
    model: Annotated[str | None, typer.Option(help="Count this model's tokens.", envvar="GUARD_MODEL")] = None,
) -> None:
    """Say what a policy would ban, by which phrase, and how many tokens. Nothing is stored."""
    from server import commands

    commands.check_policy(file, model)


@app.command()
def extract(
    file: Annotated[Path, typer.Argument(help="Policy file (YAML).")],
    background: Annotated[Path | None, typer.Option(help="Innocent texts, one a line, beside the policy's own.")] = None,
    language: Annotated[str, typer.Option(help="Language of words in Latin script (ISO 639-1).")] = "en",
    yaml: Annotated[bool, typer.Option("--yaml", help="Print entries for the policy file instead of a table.")] = False,
) -> None:
    """Propose phrases from each target's examples and documents, each with the reason why. The policy is not changed."""
    from server import commands

    commands.extract(file, background, language, yaml)
