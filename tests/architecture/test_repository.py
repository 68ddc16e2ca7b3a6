"""What a clone holds: no machine's paths, no index's address, documents that match the tools."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.lacking import skip_or_fail

# Written in pieces, so that this file does not find itself.
MACHINE_PATHS = re.compile("(?<![\\w.{}$])/(" + "|".join(["ro" + "ot", "wo" + "rk"]) + ")/[\\w.]")
HOMES = re.compile("(?<![\\w.])/(" + "|".join(["ho" + "me", "Us" + "ers"]) + ")/[a-z][\\w.-]+/")
INDEX = re.compile("(--extra-|--)index" + "-url|https?://[^\\s\"']+/sim" + "ple\\b")
TARGETS = ("demo", "ui", "test", "bench")


@pytest.fixture(scope="module")
def tracked() -> dict[str, str]:
    """Text of every tracked file by path."""
    root = Path(__file__).resolve().parents[2]
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True, text=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        skip_or_fail("This is no git clone, so nothing says which files belong to it.")
    found = {}
    for name in filter(None, listed.split("\0")):
        path = root / name
        if path.is_file():
            found[name] = path.read_bytes().decode("utf-8", errors="ignore")
    return found


@pytest.mark.parametrize("pattern", [MACHINE_PATHS, HOMES, INDEX], ids=["machine", "home", "index"])
def test_tracked_files_name_no_machine_and_no_index(tracked: dict[str, str], pattern: re.Pattern):
    found = [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in tracked.items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, "use a relative path or a setting:\n" + "\n".join(found)


def test_generated_files_are_not_tracked(tracked: dict[str, str]):
    generated = re.compile(r"(^|/)(__pycache__|target|\.venv|\.accord|logs)/|\.pyc$|\.duckdb$")
    assert not [name for name in tracked if generated.search(name)]


def test_the_lock_holds_versions_only(repository: Path):
    lines = (repository / "requirements.lock").read_text().splitlines()
    loose = [
        line
        for line in lines
        if line
        and not line.startswith("#")
        and not re.match(r"^[\w.\[\],-]+==[\w.+!]+( ;.*)?$", line)
    ]
    assert not loose, "run make lock"


def test_the_lock_satisfies_the_project(repository: Path):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    declared = [*project["dependencies"], *(text for extra in extras for text in extra)]
    locked: dict[str, list[str]] = {}
    for line in (repository / "requirements.lock").read_text().splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            version = next(iter(requirement.specifier)).version
            locked.setdefault(canonicalize_name(requirement.name), []).append(version)
    for text in declared:
        wanted = Requirement(text)
        if wanted.name == project["name"]:
            continue
        versions = locked.get(canonicalize_name(wanted.name), [])
        assert versions, f"{wanted.name} is not in requirements.lock: run make lock"
        assert all(wanted.specifier.contains(one) for one in versions), f"{text}: run make lock"


@pytest.mark.parametrize("target", TARGETS)
def test_the_readme_names_what_make_can_do(repository: Path, target: str):
    assert re.search(rf"\bmake {target}\b", (repository / "README.md").read_text())
    assert re.search(rf"(?m)^{target}:", (repository / "Makefile").read_text())
