"""What all tables of the store share."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, PrimaryKeyConstraint

from server.store.base import Base
from server.store.tables import TargetVersionRow

TABLE = Base.metadata.tables[TargetVersionRow.__tablename__]


def test_constraints_have_names_that_no_database_chooses() -> None:
    names = {type(constraint): constraint.name for constraint in TABLE.constraints}
    assert names == {
        PrimaryKeyConstraint: "pk_target_versions",
        ForeignKeyConstraint: "fk_target_versions_target_id_targets",
        CheckConstraint: "ck_target_versions_status",
    }
