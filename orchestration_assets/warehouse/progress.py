"""Which steps of a refresh are done, and for what: a build counts only for its own candidate.

Staging, identity and core are done for a candidate; opening the scope again starts a new one, for
which nothing is done. The journeys are built from a release, so they are done for its number.
"""

from collections.abc import Collection
from datetime import UTC, datetime

import pyarrow as pa

from orchestration_assets.warehouse.released_tables import of_batches
from orchestration_assets.warehouse.session import Session

STAGING, IDENTITY, CORE, JOURNEYS = "staging", "identity", "core", "journeys"
STEPS = (STAGING, IDENTITY, CORE)
"""Steps of a candidate; each one reads what the one before it wrote."""

_TABLES = {
    "built": pa.schema([("step", pa.string()), ("part", pa.string()), ("basis", pa.string())]),
    "progress": pa.schema(
        [
            ("step", pa.string()),
            ("basis", pa.string()),
            ("version", pa.string()),
            ("finished_at", pa.timestamp("us", "UTC")),
        ]
    ),
}


def create_progress_tables(session: Session) -> None:
    """Create the tables of the progress that are missing."""
    for name, columns in _TABLES.items():
        session.create_table("scope", name, columns)


def start_over(session: Session) -> None:
    """Forget what was done for earlier candidates; call it when a new one begins."""
    create_progress_tables(session)
    _forget_steps(session, STEPS)


def begin(session: Session, step: str, parts: Collection[str]) -> None:
    """Take back that these parts of a step are done, and every step that reads from it."""
    create_progress_tables(session)
    for part in parts:
        session.execute(
            "delete from scope.built where step = :step and part = :part",
            {"step": step, "part": part},
        )
    session.execute("delete from scope.progress where step = :step", {"step": step})
    if step in STEPS:
        _forget_steps(session, STEPS[STEPS.index(step) + 1 :])


def add_parts(session: Session, step: str, done: Collection[str], needed: Collection[str]) -> bool:
    """Note that these parts are done on the present basis; True when none of the needed lacks."""
    create_progress_tables(session)
    basis = _basis(session, step)
    for part in done:
        values = {"step": step, "part": part}
        session.execute("delete from scope.built where step = :step and part = :part", values)
        session.execute(
            "insert into scope.built (step, part, basis) values (:step, :part, :basis)",
            {**values, "basis": basis},
        )
    found = session.rows(
        "select part from scope.built where step = :step and basis = :basis",
        {"step": step, "basis": basis},
    )
    return set(needed) <= {row["part"] for row in found}


def finish(session: Session, step: str, version: str) -> None:
    """Note that the whole step is done on the present basis, and which build did it."""
    create_progress_tables(session)
    session.execute("delete from scope.progress where step = :step", {"step": step})
    session.execute(
        "insert into scope.progress (step, basis, version, finished_at)"
        " values (:step, :basis, :version, cast(:now as timestamptz))",
        {
            "step": step,
            "basis": _basis(session, step),
            "version": version,
            "now": datetime.now(UTC),
        },
    )


def finished_version(session: Session, step: str) -> str | None:
    """The build that finished the step on the present basis; None while it is not finished."""
    if not session.table_exists("scope", "progress"):
        return None
    return session.scalar(
        "select version from scope.progress where step = :step and basis = :basis",
        {"step": step, "basis": _basis(session, step)},
    )


def unfinished(session: Session, version: str) -> list[str]:
    """One phrase for each reason why `version` is not the whole of the candidate in scope."""
    if not _basis(session, CORE):
        return ["no scope was opened"]
    done = {step: finished_version(session, step) for step in STEPS}
    reasons = [f"{step} is not done" for step in STEPS if done[step] is None]
    if not reasons and done[CORE] != version:
        reasons.append("the core was built as another version")
    return reasons


def _basis(session: Session, step: str) -> str:
    """What a step is done for: the candidate in scope, or the newest release of a refresh."""
    if step in STEPS:
        if not session.table_exists("scope", "state"):
            return ""
        return str(session.scalar("select candidate_id from scope.state") or "")
    if not session.table_exists("released", "releases"):
        return "0"
    newest = f"select max(release_number) from released.releases where {of_batches(session)}"
    return str(session.scalar(newest) or "0")


def _forget_steps(session: Session, steps: Collection[str]) -> None:
    for step in steps:
        for table in _TABLES:
            session.execute(f"delete from scope.{table} where step = :step", {"step": step})
