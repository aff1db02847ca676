"""The installer: pip's output becomes a counter, and the end of it is shown if pip fails."""

from __future__ import annotations

import importlib.util
import io
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.paths import ROOT

COUNT = 45


@pytest.fixture
def install() -> ModuleType:
    spec = importlib.util.spec_from_file_location("install", ROOT / "requirements" / "install.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def site(install: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with 45 pins, a pip that writes metadata for them, and the folder that it writes them to."""
    folder = tmp_path / "site"
    folder.mkdir()
    (tmp_path / "requirements").mkdir()
    pins = [f"Some-Package{n}==1.{n}" for n in range(COUNT)]
    (tmp_path / "requirements" / "cpu.txt").write_text("# pins\n" + "\n".join(pins[:40]) + "\n")
    (tmp_path / "requirements" / "dev.txt").write_text("\n".join(pins[40:]) + "\n")
    pip = tmp_path / "pip.py"
    pip.write_text(
        "import pathlib, sys\n"
        "if '-e' in sys.argv: sys.exit(0)\n"
        f"folder = pathlib.Path({str(folder)!r})\n"
        f"for n in range({COUNT}):\n"
        "    print(f'Collecting Some-Package{n}==1.{n} (from -r cpu.txt)')\n"
        "    print('  Downloading it')\n"
        "if (folder / 'fail').exists(): sys.exit('ERROR: no such thing')\n"
        "print('Installing collected packages: all of them')\n"
        f"for n in range({COUNT}): (folder / f'some_package{{n}}-1.{{n}}.dist-info').mkdir()\n"
    )
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "PIP", (sys.executable, str(pip)))
    monkeypatch.setattr(install, "_POLL_S", 0.01)
    monkeypatch.setattr(install.sysconfig, "get_path", lambda _: str(folder))
    return folder


def test_the_end_is_counted_and_kept(install: ModuleType, site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert install.main() == 0
    shown = capsys.readouterr().out
    assert f"installing {COUNT} packages" in shown
    assert f"installing {COUNT}/{COUNT}" in shown
    assert "Collecting" not in shown
    build = site.parent / "build"
    assert "Collecting Some-Package44==1.44" in (build / "install.log").read_text()
    assert json.loads((build / "install.json").read_text()).keys() == {"install_s"}


def test_a_failure_shows_what_pip_said_last(install: ModuleType, site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "fail").touch()
    assert install.main() == 1
    told = capsys.readouterr().err
    assert "ERROR: no such thing" in told
    assert "install.log" in told
    assert not (site.parent / "build" / "install.json").exists()


def test_pins_are_counted_by_their_version(install: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "pins.txt").write_text("torch==2.13.0  # a comment\nzope.interface==7.1\nPyYAML==6.0\n")
    pins = install.pinned([tmp_path / "pins.txt"])
    assert pins == {"torch": "2.13.0", "zope_interface": "7.1", "pyyaml": "6.0"}
    for name in ("torch-2.13.0+cpu", "zope.interface-7.1", "PyYAML-5.9"):
        (tmp_path / f"{name}.dist-info").mkdir()
    assert install.installed(pins, tmp_path) == 2


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_a_line_for_every_twenty_packages_or_one_in_place(install: ModuleType) -> None:
    for out in (io.StringIO(), Terminal()):
        progress = install.Progress(COUNT, out)
        for n in range(1, COUNT + 1):
            progress.show("downloading", n, f"p-{n}")
        progress.show("installing", 3)
        progress.end()
        lines = out.getvalue().splitlines()
        if out.isatty():
            assert out.getvalue().count("\r") == COUNT + 1
            assert out.getvalue().endswith("installing 3/45\n")
        else:
            expected = [f"downloading {n}/45 p-{n}" for n in (1, 20, 40, 45)]
            assert lines == [*expected, "installing 3/45"]
