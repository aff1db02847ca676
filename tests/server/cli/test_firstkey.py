"""The first admin key comes from a file, once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from server.cli.firstkey import first_key
from server.cli.local import keys_create, keys_list
from server.settings import Settings
from server.store import Database
from server.store.audit.log import Audit
from server.store.columns import utc_now
from server.store.database.location import default_url
from server.store.keys import ApiKey, Keys
from tests.conftest import copied

TEXT = "gk-0123456789ab-" + "s" * 43


@pytest.fixture
def settings(tmp_path: Path, sqlite_template: Path) -> Settings:
    copied(sqlite_template, tmp_path / "data" / "guard.db")
    (tmp_path / "admin.key").write_text(TEXT + "\n")
    return Settings(model="m", data_dir=tmp_path / "data", admin_key_file=tmp_path / "admin.key")


def known(settings: Settings, text: str) -> ApiKey | None:
    async def ask() -> ApiKey | None:
        database = await Database.open(default_url(settings.data_dir))
        try:
            async with database.read() as session:
                return (await Keys().ring(session)).check(text, utc_now())
        finally:
            await database.close()

    return asyncio.run(ask())


def test_f15_the_key_of_the_file_is_an_admin_s(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert first_key(settings)
    key = known(settings, TEXT)
    assert key is not None
    assert (key.id, key.role) == ("0123456789ab", "admin")
    shown = capsys.readouterr()
    assert "0123456789ab" in shown.err
    assert "s" * 43 not in shown.out + shown.err

    async def recorded() -> None:
        database = await Database.open(default_url(settings.data_dir))
        try:
            async with database.read() as session:
                assert (await Audit(None).verify(session)).checked == 1
        finally:
            await database.close()

    asyncio.run(recorded())
    # The next start finds it.
    assert first_key(settings)
    keys_list(default_url(settings.data_dir))
    assert capsys.readouterr().out.count("0123456789ab") == 1


def test_f15_a_store_with_keys_ignores_the_file(settings: Settings) -> None:
    keys_create(default_url(settings.data_dir), "client", "older")
    assert first_key(settings)
    assert known(settings, TEXT) is None


def test_without_a_file_and_without_keys_there_is_none(settings: Settings) -> None:
    assert not first_key(settings.model_copy(update={"admin_key_file": None}))


@pytest.mark.parametrize("written", ["secret", "gk-0123-s", TEXT[:-1], TEXT.replace("gk", "sk"), ""])
def test_f15_what_is_no_key_is_told_without_being_shown(settings: Settings, tmp_path: Path, written: str) -> None:
    (tmp_path / "admin.key").write_text(written)
    with pytest.raises(ValueError, match=r"GUARD_ADMIN_KEY_FILE: .*admin\.key") as caught:
        first_key(settings)
    if written:
        assert written not in str(caught.value)


def test_a_file_that_is_not_there(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "admin.key").unlink()
    with pytest.raises(ValueError, match="cannot be read"):
        first_key(settings)
