"""The command line: `guard-server serve`, `ask`, `check-policy`, `extract`, `keys`, `audit` and `policy`.

This module imports nothing of the project before a command runs. vLLM starts its workers as new interpreters, which import the
main module, this one, again. vLLM 0.32's CPU worker does not start in an interpreter that has imported numba before.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Keep forgotten things from being said: suppression in front of vLLM."
)

Model = Annotated[
    str | None, typer.Option(help="Model to serve: a folder, or a name on the Hugging Face hub.", envvar="GUARD_MODEL")
]
PolicyFile = Annotated[Path | None, typer.Option(help="Policy file (YAML).", envvar="GUARD_POLICY")]
DataFolder = Annotated[
    Path | None,
    typer.Option(help="Folder for the store, restrictions and word vectors.", envvar="GUARD_DATA_DIR"),
]
VllmArguments = Annotated[list[str] | None, typer.Argument(help="Arguments after -- go to vLLM unchanged.")]


@app.callback()
def prepare() -> None:
    """Keep forgotten things from being said: suppression in front of vLLM."""
    from server.environment import share_processor

    share_processor()


@app.command()
def serve(
    model: Model = None,
    policy: PolicyFile = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", envvar="GUARD_HOST")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 picks a free one.", envvar="GUARD_PORT")] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(help="File with the certificate chain (PEM): serve HTTPS.", envvar="GUARD_TLS_CERT")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(help="File with the certificate's private key (PEM).", envvar="GUARD_TLS_KEY")
    ] = None,
    tls_client_ca: Annotated[
        Path | None,
        typer.Option(help="File with authorities (PEM) of which clients must show a certificate.", envvar="GUARD_TLS_CLIENT_CA"),
    ] = None,
    data_dir: DataFolder = None,
    upstream: Annotated[
        str | None,
        typer.Option(help="URL of the router in front of a fleet's engines; unset: vLLM runs here.", envvar="GUARD_UPSTREAM"),
    ] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(help="The model's tokenizer, with --upstream: a folder, or a name.", envvar="GUARD_TOKENIZER"),
    ] = None,
    sample: Annotated[
        list[str] | None,
        typer.Option(help="Question to ask once the server is ready; shows the answers without and with the guard."),
    ] = None,
    vllm_args: VllmArguments = None,
) -> None:
    """Serve the OpenAI API with the guard in front of the model."""
    from server.cli.serve import serve, settings_from

    serve(
        settings_from(
            model=model,
            policy=policy,
            host=host,
            port=port,
            tls_cert=tls_cert,
            tls_key=tls_key,
            tls_client_ca=tls_client_ca,
            data_dir=data_dir,
            upstream=upstream,
            tokenizer=tokenizer,
            vllm_args=tuple(vllm_args or ()) or None,
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
    from server.cli.serve import ask, settings_from

    ask(settings_from(model=model, policy=policy, data_dir=data_dir, vllm_args=tuple(vllm_args or ()) or None), question)


@app.command("check-policy")
def check_policy(
    file: Annotated[Path, typer.Argument(help="Policy file (YAML).")],
    model: Annotated[str | None, typer.Option(help="Model whose tokens are counted.", envvar="GUARD_MODEL")] = None,
    encoder: Annotated[
        str | None, typer.Option(help="Encoder of semantic words; unset: the package's own.", envvar="GUARD_ENCODER")
    ] = None,
    data_dir: DataFolder = None,
) -> None:
    """Show what a policy bans: each phrase, how many tokens it bans, and the words near semantic words.

    `serve` takes what this takes. Nothing of the policy is stored; the vectors of the word list are, in the data folder.
    """
    from server.cli import check

    check.check_policy(file, model, encoder or None, data_dir)


@app.command()
def extract(
    file: Annotated[Path, typer.Argument(help="Policy file (YAML).")],
    background: Annotated[
        Path | None, typer.Option(help="File of innocent texts, one per line, in addition to the policy's own.")
    ] = None,
    language: Annotated[str, typer.Option(help="Language of words in Latin script (ISO 639-1).")] = "en",
    yaml: Annotated[bool, typer.Option("--yaml", help="Print entries for the policy file instead of a table.")] = False,
) -> None:
    """Propose phrases from each target's examples and documents, with the reason for each. This does not change the policy."""
    from server.cli import check

    check.propose(file, background, language, yaml)


keys = typer.Typer(no_args_is_help=True, help="Make, list and revoke API keys.")
audit = typer.Typer(no_args_is_help=True, help="Verify, seal, prune and export the audit log.")
app.add_typer(keys, name="keys")
app.add_typer(audit, name="audit")

Store = Annotated[
    str | None,
    typer.Option("--database", help="URL of the store; unset: a SQLite file in the data folder.", envvar="GUARD_DATABASE"),
]
AuditKey = Annotated[
    Path | None,
    typer.Option(
        help="File with the key that seals the audit log; unset: audit.key in the data folder.", envvar="GUARD_AUDIT_KEY"
    ),
]


def _folder(data_dir: Path | None) -> Path:
    import platformdirs

    return data_dir or platformdirs.user_data_path("guard-server")


def _url(database: str | None, data_dir: Path | None) -> str:
    from server.store.database.location import default_url

    folder = _folder(data_dir)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return database or default_url(folder)


@app.command()
def migrate(database: Store = None, data_dir: DataFolder = None) -> None:
    """Bring the store to the schema of this version, before servers of this version start."""
    from server.cli import local

    local.migrate(_url(database, data_dir))


@keys.command("create")
def keys_create(
    role: Annotated[str, typer.Option(help="What the key may do: client, auditor or admin.")],
    name: Annotated[str, typer.Option(help="What the key is for; `keys list` shows it.")],
    expires: Annotated[str | None, typer.Option(help="How long the key lasts, such as 30d; unset: for ever.")] = None,
    rate: Annotated[int | None, typer.Option(help="Requests per minute; unset: no limit.")] = None,
    burst: Annotated[int | None, typer.Option(help="Requests at once; unset: as many as the rate.")] = None,
    database: Store = None,
    data_dir: DataFolder = None,
    audit_key: AuditKey = None,
) -> None:
    """Make a key and print it. It is shown this once."""
    from server.cli import local

    url = _url(database, data_dir)
    local.keys_create(url, role, name, expires=expires, rate=rate, burst=burst, audit_key=audit_key, folder=_folder(data_dir))


@keys.command("list")
def keys_list(database: Store = None, data_dir: DataFolder = None) -> None:
    """List all keys, without their secrets."""
    from server.cli import local

    local.keys_list(_url(database, data_dir))


@keys.command("revoke")
def keys_revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id.")],
    database: Store = None,
    data_dir: DataFolder = None,
    audit_key: AuditKey = None,
) -> None:
    """Revoke a key. Running servers refuse it within a second."""
    from server.cli import local

    local.keys_revoke(_url(database, data_dir), key_id, audit_key=audit_key, folder=_folder(data_dir))


@audit.command("verify")
def audit_verify(
    witness: Annotated[str | None, typer.Option(help="A head, SEQ:HASH, that an earlier `audit verify` printed.")] = None,
    database: Store = None,
    data_dir: DataFolder = None,
    audit_key: AuditKey = None,
) -> None:
    """Find the first record that was changed, removed or moved. Exits with status 1 if there is one."""
    from server.cli import local

    local.audit_verify(_url(database, data_dir), audit_key=audit_key, witness=witness, folder=_folder(data_dir))


@audit.command("seal")
def audit_seal(
    database: Store = None,
    data_dir: DataFolder = None,
    audit_key: AuditKey = None,
) -> None:
    """Seal an audit log that was begun without a key."""
    from server.cli import local

    local.audit_seal(_url(database, data_dir), audit_key, _folder(data_dir))


@audit.command("prune")
def audit_prune(
    older_than: Annotated[str, typer.Option(help="Age of the records to remove, such as 365d.")],
    database: Store = None,
    data_dir: DataFolder = None,
    audit_key: AuditKey = None,
) -> None:
    """Remove old records. The rest of the log can still be verified."""
    from server.cli import local

    local.audit_prune(_url(database, data_dir), older_than, audit_key=audit_key, folder=_folder(data_dir))


@audit.command("export")
def audit_export(database: Store = None, data_dir: DataFolder = None) -> None:
    """Print the audit log as JSON lines."""
    from server.cli import local

    local.audit_export(_url(database, data_dir))


policy = typer.Typer(no_args_is_help=True, help="Apply, compare and export the targets of a running server.")
app.add_typer(policy, name="policy")

ServerUrl = Annotated[str, typer.Option(help="URL of the server.", envvar="GUARD_URL")]
ApiKeyText = Annotated[str | None, typer.Option(help="API key with the role that the command needs.", envvar="GUARD_API_KEY")]
Listed = Annotated[Path, typer.Argument(help="File of targets: a policy file (.yaml) or JSON lines (.jsonl).")]
_HERE = "http://127.0.0.1:8000"


@policy.command("apply")
def policy_apply(file: Listed, url: ServerUrl = _HERE, key: ApiKeyText = None) -> None:
    """Enforce the targets of a file: all of them, or none."""
    from server.cli import remote

    remote.apply(url, key, file, dry_run=False)


@policy.command("diff")
def policy_diff(file: Listed, url: ServerUrl = _HERE, key: ApiKeyText = None) -> None:
    """Show what `apply` would create and change."""
    from server.cli import remote

    remote.apply(url, key, file, dry_run=True)


@policy.command("export")
def policy_export(
    format: Annotated[str, typer.Option(help="Format of the output: yaml or jsonl.")] = "yaml",
    url: ServerUrl = _HERE,
    key: ApiKeyText = None,
) -> None:
    """Print all targets."""
    from server.cli import remote

    remote.export(url, key, format)
