"""The pages on what the gates found: kept by the gate in passing, made into pages apart from it.

A gate writes one small file a suite. The pages need Great Expectations' renderers, so they are made
by a run of their own, once in a while or when a verdict turned, and are served as plain files.
"""

import hashlib
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import orjson
import structlog
from filelock import FileLock

from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import FatalError
from orchestration_assets.settings import Settings
from quality.catalog import ALL_SUITES
from quality.docs import INDEX, page_of, write_pages
from quality.findings import document
from quality.rules import SuiteResult

# Refreshes come every few seconds on a busy day; pages of ten minutes ago tell the same story as
# long as every verdict in them still stands.
LONGEST_WAIT_S = 600.0
_SUITES = frozenset(suite.name for suite in ALL_SUITES)
_STAMP = "built.json"
_DRAFT = ".gates-"
_LOCK_PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class GateDocs:
    """What was written.

    Attributes:
        folder: of the pages.
        suites: how many suites have a page.
        failing: those among them that did not pass.
        seconds: how long it took.
    """

    folder: Path
    suites: int
    failing: tuple[str, ...]
    seconds: float


def gate_link(settings: Settings, suite: str | None = None) -> str:
    """Address of a suite's page, or of the list of all."""
    page = INDEX if suite is None else page_of(suite)
    return f"{settings.docs_url.rstrip('/')}/gates/{page}"


def keep_findings(deployment: Deployment, results: Sequence[SuiteResult], run_id: str) -> None:
    """Write down what was found, the newest per suite; a gate never fails because of it."""
    now = datetime.now(UTC)
    names = " ".join(sorted(result.suite for result in results))
    group = hashlib.sha256(names.encode()).hexdigest()[:8]
    try:
        folder = _results(deployment.home)
        folder.mkdir(parents=True, exist_ok=True)
        # One file, and under a name that is new: a file system that sees one replaced writes it to
        # the disk at once, which takes a millisecond each.
        path = folder / f"{group}-{now:%Y%m%dT%H%M%S%f}.json"
        draft = path.with_suffix(".tmp")
        draft.write_bytes(orjson.dumps([document(result, now, run_id) for result in results]))
        draft.rename(path)
        for earlier in folder.glob(f"{group}-*"):
            if earlier != path:
                earlier.unlink(missing_ok=True)
    except (OSError, TypeError) as error:
        structlog.get_logger(__name__).warning(
            "gate_findings_not_kept",
            error=type(error).__name__,
            next_step="see that ACCORD_HOME can be written to; the gate itself is not affected",
        )


def docs_due(settings: Settings) -> str | None:
    """What newer pages would be made of, as a short name of it; None while none are due.

    They are as soon as a suite's verdict or the number of rows it holds turned, and some minutes
    after anything else.
    """
    found = _kept(settings.root)
    stamp = _site(settings) / _STAMP
    shown = _read(stamp, {}) if stamp.exists() else {}
    now = {one["suite"]: _shown(one) for one in found}
    if now == shown:
        return None
    turned = {name: entry[1:] for name, entry in now.items()} != {
        name: entry[1:] for name, entry in shown.items()
    }
    if not turned and time.time() - stamp.stat().st_mtime < LONGEST_WAIT_S:
        return None
    return hashlib.sha256(orjson.dumps(now, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def write_gate_docs(deployment: Deployment) -> GateDocs:
    """Make the pages of the newest findings and put them in place of the earlier ones.

    Raises:
        FatalError: no gate has judged anything yet.
    """
    started = time.perf_counter()
    settings = deployment.settings
    found = _kept(settings.root)
    if not found:
        raise FatalError(
            "No gate has judged anything yet.", "run accord run once, then make the pages again."
        )
    root = settings.docs_folder
    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root / ".gates.lock", timeout=_LOCK_PATIENCE_S):
        # What a build that was killed left behind.
        for folder in root.glob(f"{_DRAFT}*"):
            shutil.rmtree(folder, ignore_errors=True)
        draft = Path(mkdtemp(prefix=_DRAFT, dir=root))
        # Made for this user alone, but a web server of another user is to read it.
        draft.chmod(0o755)
        write_pages(found, draft)
        (draft / _STAMP).write_bytes(orjson.dumps({one["suite"]: _shown(one) for one in found}))
        _put_in_place(draft, _site(settings))
    failing = tuple(one["suite"] for one in found if not one["passed"])
    return GateDocs(_site(settings), len(found), failing, round(time.perf_counter() - started, 2))


def _put_in_place(draft: Path, site: Path) -> None:
    """Swap folders, so that nobody reads pages of two builds."""
    if site.exists():
        before = draft.with_name(f"{draft.name}-before")
        site.rename(before)
        draft.rename(site)
        shutil.rmtree(before, ignore_errors=True)
    else:
        draft.rename(site)


def _kept(home: Path) -> list[dict[str, Any]]:
    """The newest finding of each suite that there still is, by name."""
    newest: dict[str, dict[str, Any]] = {}
    for one in _read_all(_results(home)):
        known = newest.get(one["suite"])
        if one["suite"] in _SUITES and (not known or known["judged_at"] < one["judged_at"]):
            newest[one["suite"]] = one
    return [newest[name] for name in sorted(newest)]


def _read_all(folder: Path) -> list[dict[str, Any]]:
    while True:
        try:
            files = [_read(path, []) for path in folder.glob("*.json")]
        except FileNotFoundError:
            # A gate put a newer one in its place since the look.
            continue
        return [one for found in files for one in found]


def _read(path: Path, otherwise: Any) -> Any:
    """A file's content; one that a loss of power cut short counts as not there."""
    try:
        return orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError:
        return otherwise


def _shown(found: Mapping[str, Any]) -> list[Any]:
    """What the pages show of a suite: when it was judged, and what with."""
    return [found["judged_at"], found["passed"], found["rows_held"]]


def _results(home: Path) -> Path:
    return home / "gates"


def _site(settings: Settings) -> Path:
    return settings.docs_folder / "gates"
