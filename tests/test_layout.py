"""The layout: rooms that a stranger can take in, a test for every module, and contracts that no new module escapes."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import pytest

from tests.paths import ROOT

PRODUCT = ("guard", "classifiers", "server", "evaluation")
MODULES = sorted(
    path.relative_to(ROOT)
    for top in PRODUCT
    for path in (ROOT / top).rglob("*.py")
    if path.name != "__init__.py" and "migrations" not in path.parts
)


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_every_module_has_its_test_at_the_same_path(module: Path) -> None:
    assert (ROOT / "tests" / module.parent / f"test_{module.stem.strip('_')}.py").is_file()


def test_no_folder_holds_more_than_twenty_modules() -> None:
    sizes = Counter(module.parent for module in MODULES)
    assert {str(folder): size for folder, size in sizes.items() if size > 20} == {}


def test_no_module_is_longer_than_a_person_reads_in_one_go() -> None:
    lengths = {str(module): len((ROOT / module).read_text("utf-8").splitlines()) for module in MODULES}
    assert {module: length for module, length in lengths.items() if length > 310} == {}


def test_every_folder_of_modules_is_a_package() -> None:
    assert [
        str(folder) for folder in {module.parent for module in MODULES} if not (ROOT / folder / "__init__.py").is_file()
    ] == []


def contracts() -> list[dict[str, object]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    found: list[dict[str, object]] = settings["tool"]["importlinter"]["contracts"]
    return found


def test_contracts_about_outside_packages_name_packages_not_modules() -> None:
    named = [module for contract in contracts() for module in contract.get("source_modules", [])]  # type: ignore[attr-defined]
    assert [module for module in named if not (ROOT / module.replace(".", "/")).is_dir()] == []


@pytest.mark.parametrize("container", ["guard", "classifiers", "server"])
def test_each_package_has_a_contract_for_its_layers_that_names_all_of_them(container: str) -> None:
    (contract,) = [one for one in contracts() if one["type"] == "layers" and container in one.get("containers", [])]  # type: ignore[operator]
    assert contract["exhaustive"] is True
