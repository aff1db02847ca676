"""The tables: what is large comes last, and the literal types and the database's checks say the same."""

from __future__ import annotations

from typing import get_args

import pytest
from sqlalchemy import CheckConstraint, Table

from server.store.base import Base
from server.store.tables import STATUSES, SnapshotRow, SnapshotState, Status, TargetRow, TargetVersionRow


def table(row: type[Base]) -> Table:
    return Base.metadata.tables[row.__tablename__]


def check(row: type[Base]) -> str:
    (constraint,) = [one for one in table(row).constraints if isinstance(one, CheckConstraint)]
    return str(constraint.sqltext)


@pytest.mark.parametrize(("row", "last"), [(TargetRow, ["document", "vectors"]), (TargetVersionRow, ["document"])])
def test_large_columns_come_last(row: type[Base], last: list[str]) -> None:
    assert table(row).columns.keys()[-len(last) :] == last


@pytest.mark.parametrize("row", [TargetRow, TargetVersionRow])
def test_the_database_knows_every_status(row: type[Base]) -> None:
    assert get_args(Status) == STATUSES
    assert check(row) == f"status IN {STATUSES}"


def test_the_database_knows_every_state_of_a_snapshot() -> None:
    assert check(SnapshotRow) == f"state IN {get_args(SnapshotState)}"


def test_a_snapshot_holds_no_digests_of_restrictions() -> None:
    assert not {"always", "gated"} & set(table(SnapshotRow).columns.keys())
