"""Where a store is: two kinds of URL, and no password in any message."""

from __future__ import annotations

import pytest

from server.store.database.location import Location


def test_urls_that_name_no_store_are_refused_without_repeating_them() -> None:
    for url in ("sqlite://", "sqlite:///:memory:", "mysql://root:hunter2@host/db", "file.db"):
        with pytest.raises(ValueError, match="a store's URL is") as caught:
            Location.of(url)
        assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(Location.of("postgresql://root:hunter2@host/db"))
    assert Location.of("postgresql+asyncpg://h/d").dsn == Location.of("postgres://h/d").dsn == "postgresql://h/d"
