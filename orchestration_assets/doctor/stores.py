"""Checks of the stores: warehouse and its writer lock, state store, dbt manifest."""

from pathlib import Path

from orchestration_assets.doctor.finding import Finding, fail, ok, warn
from orchestration_assets.errors import AccordError, RetriableError
from orchestration_assets.settings import Settings
from orchestration_assets.warehouse.engine import Warehouse, open_warehouse

# Long enough for a reader to slip between two writers, short enough for someone who looks on.
LOCK_TIMEOUT_S = 2.0
_MADE_BY = "land some data first: `accord run`."


def warehouse(settings: Settings) -> list[Finding]:
    """The warehouse answers, and its writer lock is free or says who holds it."""
    url = settings.resolved_warehouse_url
    if _is_missing(url, "duckdb:///"):
        return [warn("warehouse", f"{_where(url)} is not there yet", _MADE_BY)]
    try:
        door = open_warehouse(url, settings.root, LOCK_TIMEOUT_S)
        with door.reader() as session:
            tables = session.scalar(
                "select count(*) from information_schema.tables where table_schema like 'raw_%'"
            )
    except RetriableError as error:
        if url.startswith("duckdb:"):
            return [warn("warehouse", error.message, error.next_step)]
        return [fail("warehouse", error.message, error.next_step)]
    except AccordError as error:
        return [fail("warehouse", error.message, error.next_step)]
    return [ok("warehouse", f"{_where(url)} answers, {tables} raw tables"), _writer_lock(door)]


def _writer_lock(door: Warehouse) -> Finding:
    try:
        with door.exclusive("accord doctor"):
            return ok("writer lock", "free")
    except AccordError as error:
        return warn("writer lock", error.message, error.next_step)


def state(settings: Settings) -> Finding:
    """The state store answers and has the version that this code wants."""
    from sqlalchemy.exc import SQLAlchemyError

    from orchestration_assets.state.version import versions

    url = settings.resolved_state_url
    if _is_missing(url, "sqlite:///"):
        return warn("state store", f"{_where(url)} is not there yet", _MADE_BY)
    try:
        current, newest = versions(url)
    except (SQLAlchemyError, AccordError) as error:
        return fail(
            "state store",
            f"{_where(url)} does not answer ({type(error).__name__})",
            "check that the server of ACCORD_STATE_URL runs and that its user may connect.",
        )
    if current == newest:
        return ok("state store", f"{_where(url)} answers, version {current}")
    return warn(
        "state store",
        f"{_where(url)} has version {current or 'none'}, the code wants {newest}",
        "any command that uses it migrates it; back it up before.",
    )


def manifest(project: Path, target: Path) -> Finding:
    """The dbt manifest is there and newer than every file it was made of.

    Args:
        project: folder of `dbt_project.yml`.
        target: folder that holds `manifest.json`.
    """
    made = target / "manifest.json"
    advice = "any `accord run` or `accord ui` parses the project anew."
    if not (project / "dbt_project.yml").is_file():
        return fail("dbt manifest", f"no dbt project in {project}", "work in a clone.")
    if not made.is_file():
        return warn("dbt manifest", "not there yet", advice)
    inputs = [
        path
        for pattern in ("*.sql", "*.yml", "*.csv")
        for folder in (
            project,
            *(project / name for name in ("models", "macros", "seeds", "tests")),
        )
        for path in (folder.glob(pattern) if folder == project else folder.rglob(pattern))
    ]
    newest = max(inputs, key=lambda path: path.stat().st_mtime)
    if newest.stat().st_mtime > made.stat().st_mtime:
        changed = newest.relative_to(project)
        return warn("dbt manifest", f"older than {changed}", advice)
    return ok("dbt manifest", f"newer than all {len(inputs)} files of the project")


def _is_missing(url: str, prefix: str) -> bool:
    if not url.startswith(prefix):
        return False
    return not Path(url.removeprefix(prefix)).expanduser().exists()


def _where(url: str) -> str:
    """The address without user, password and options."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"
