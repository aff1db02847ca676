"""Opening a policy: everything about it that can fail, before an engine starts. `serve` and `check-policy` do it alike."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from classifiers.meaning.neighbours import Neighbours
from server.policy.compiler import Compiler
from server.policy.file import Policy
from server.policy.parts import Compiled, Part
from server.policy.recovery import Recovered, recover
from server.policy.seed import seed
from server.store import Database
from server.store.audit.log import Audit


@dataclass(frozen=True, slots=True)
class Opened:
    """What the store asks to enforce, and what it was compiled to: `part` for every answer, `gated` for each target's prompts."""

    found: Recovered
    part: Part
    gated: Compiled


async def open_policy(policy: Policy | None, database: Database, audit: Audit, folder: Path, neighbours: Neighbours) -> Opened:
    """Store a policy file's targets, read what the store asks for, and compile it.

    Args:
        policy: The policy file; None if there is none, and then no target of an earlier file is deleted.
        database: The store.
        audit: The audit log, which records what the file changes.
        folder: The folder of restrictions.
        neighbours: Finds the words near semantic words.

    Raises:
        StoreError: The store does not take or return the targets.
        EmbeddingError: Another encoder made vectors whose examples are removed.
        ValueError: A target cannot be compiled; the message names it.
        OSError: A restriction cannot be written.
    """
    if policy is not None:
        await seed(database, audit, policy.targets)
    found = await recover(database, neighbours.encoder)
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True, mode=0o700)
    part, gated = await asyncio.to_thread(Compiler(folder, neighbours).first, found.targets)
    return Opened(found, part, gated)
