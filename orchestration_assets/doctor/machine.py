"""Checks of the machine and the installation: Python, packages, home folder, clock, telemetry."""

import os
import shutil
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from orchestration_assets.doctor.finding import Finding, fail, ok, warn
from orchestration_assets.settings import TELEMETRY_OFF, Settings, setting_of_tool

REPOSITORY = Path(__file__).resolve().parents[2]
MINIMUM_PYTHON = (3, 11)
# A refresh of a million customers writes about this much beside the warehouse itself.
WANTED_FREE_BYTES = 5 * 1024**3
NEEDED_FREE_BYTES = 512 * 1024**2
# Vendors refuse signatures and tokens whose time is five minutes off.
CLOCK_FAIL_S = 300.0
CLOCK_WARN_S = 5.0


def python() -> Finding:
    """The interpreter is new enough."""
    found = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info < MINIMUM_PYTHON:
        return fail("python", found, "make the environment anew with Python 3.11 or later.")
    return ok("python", found)


def packages(lock: Path = REPOSITORY / "requirements.lock") -> list[Finding]:
    """Installed versions are the locked ones; a different pinned library is a failure."""
    advice = "run make setup."
    if not lock.is_file():
        return [warn("packages", "no requirements.lock beside the code", "work in a clone.")]
    locked = read_lock(lock)
    pinned = _pinned()
    absent = [name for name in pinned if name in locked and _installed(name) is None]
    differing = {
        name: f"{name} {found} (locked {wanted})"
        for name, wanted in locked.items()
        if (found := _installed(name)) is not None and found != wanted
    }
    broken = [differing[name] for name in differing if name in pinned]
    broken += [f"{name} is missing" for name in absent]
    if broken:
        return [fail("packages", "; ".join(broken), advice)]
    if differing:
        return [warn("packages", "; ".join(differing.values()), advice)]
    shown = ("dagster", "dbt-core", "great-expectations", "dlt", "duckdb", "sqlalchemy")
    named = ", ".join(f"{name} {_installed(name)}" for name in shown)
    return [ok("packages", f"{len(locked)} locked; {named}")]


def read_lock(lock: Path) -> dict[str, str]:
    """Return the locked versions by package that apply to this interpreter and system."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    found: dict[str, str] = {}
    for line in lock.read_text().splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate():
            exact = [part.version for part in requirement.specifier if part.operator == "=="]
            found |= {canonicalize_name(requirement.name): one for one in exact}
    return found


def _pinned() -> set[str]:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    try:
        declared = [Requirement(text) for text in requires("accord") or []]
    except PackageNotFoundError:
        return set()
    return {
        canonicalize_name(one.name)
        for one in declared
        if one.marker is None or one.marker.evaluate({"extra": ""})
    }


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def home(settings: Settings) -> Finding:
    """The home folder can be written to and has room."""
    root = settings.root
    existing = next(path for path in (root, *root.parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return fail("home", f"{root} cannot be written", "set ACCORD_HOME to a folder of yours.")
    free = shutil.disk_usage(existing).free
    detail = f"{root}, {free / 1024**3:.1f} GiB free"
    if free < NEEDED_FREE_BYTES:
        return fail("home", detail, "free disk space or set ACCORD_HOME to a larger disk.")
    if free < WANTED_FREE_BYTES:
        return warn("home", detail, "free disk space: a large refresh needs 5 GiB.")
    return ok("home", detail)


def dagster_home(settings: Settings) -> Finding:
    """Dagster has a home of its own with its instance settings."""
    chosen = setting_of_tool("DAGSTER_HOME")
    folder = Path(chosen) if chosen else settings.root / "dagster"
    instance = folder / "dagster.yaml"
    if instance.is_file():
        import yaml

        said = yaml.safe_load(instance.read_text()) or {}
        if (said.get("telemetry") or {}).get("enabled", True):
            advice = "add `telemetry: {enabled: false}` to it."
            return warn("dagster home", f"{instance} leaves Dagster's telemetry on", advice)
        return ok("dagster home", str(folder))
    return warn(
        "dagster home",
        f"no dagster.yaml in {folder}",
        "`accord demo` and `accord ui` put it there; elsewhere copy dagster.yaml from the"
        " repository into the folder that DAGSTER_HOME names.",
    )


def telemetry() -> Finding:
    """No library reports its use."""
    on = [name for name, value in TELEMETRY_OFF.items() if setting_of_tool(name) != value]
    if on:
        wanted = " ".join(f"{name}={TELEMETRY_OFF[name]}" for name in on)
        return warn("telemetry", f"not off for all: {', '.join(on)}", f"export {wanted}.")
    return ok("telemetry", "off for dagster, dbt, Great Expectations and dlt")


def clock(seen: Mapping[str, float]) -> Finding:
    """The clock runs evenly, is not in the past, and agrees with the systems' own.

    Args:
        seen: seconds by which our clock is ahead of a system's, by system.
    """
    advice = "let NTP (chrony, systemd-timesyncd) set the clock."
    wall, steady = time.time(), time.monotonic()
    time.sleep(0.05)
    jump = abs((time.time() - wall) - (time.monotonic() - steady))
    now = datetime.now(UTC)
    detail = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if jump > CLOCK_WARN_S:
        return fail("clock", f"{detail}, jumped by {jump:.1f} s while looking", advice)
    installed = datetime.fromtimestamp(Path(__file__).stat().st_mtime, UTC)
    if (installed - now).total_seconds() > CLOCK_FAIL_S:
        return fail("clock", f"{detail}, before this code was installed", advice)
    if not seen:
        return ok("clock", f"{detail}; no system answered to compare it with")
    system, ahead = max(seen.items(), key=lambda one: abs(one[1]))
    detail += f", {ahead:+.0f} s against {system}"
    if abs(ahead) > CLOCK_FAIL_S:
        return fail("clock", detail, advice)
    if abs(ahead) > CLOCK_WARN_S:
        return warn("clock", detail, advice)
    return ok("clock", detail)
