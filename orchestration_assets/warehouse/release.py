"""Releasing: one consistent set of all core tables, judged in exactly this version.

Data, verdicts, release number and the loads that are used up commit in one transaction, and only
when the version was built for the very candidate whose loads are used up. Nothing
here knows what a suite asks; it knows which suites must have passed.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from orchestration_assets.errors import BlockedError
from orchestration_assets.warehouse import changed_rows, held_rows, live_rows, progress
from orchestration_assets.warehouse.engine import Warehouse
from orchestration_assets.warehouse.released_tables import (
    BATCH,
    RELEASED_TABLES,
    RELEASES,
    VERDICTS,
    copy_table,
    count,
    ensure_released_tables,
    is_complete,
    of_batches,
)
from orchestration_assets.warehouse.session import Session
from orchestration_assets.warehouse.verdicts import JudgedSuite, unmet


@dataclass(frozen=True, slots=True)
class ReleaseResult:
    """What a release did; counts are rows.

    Args:
        rows: rows of each table after the release.
        changed: rows of each table that were inserted or replaced.
        removed: rows of each table that vanished or were replaced.
        repeated: this version had been released before; only the loads in scope, none of which
            touched a core table, were used up.
    """

    release_number: int
    model_version: str
    candidate_id: str
    rows: Mapping[str, int] = field(default_factory=dict)
    changed: Mapping[str, int] = field(default_factory=dict)
    removed: Mapping[str, int] = field(default_factory=dict)
    repeated: bool = False


def model_version(session: Session) -> str | None:
    """The version of the core tables as they are now; None while there is no finished build."""
    if not session.table_exists("scope", "model_version"):
        return None
    return session.scalar("select version from scope.model_version order by built_at desc limit 1")


def payload_version(session: Session) -> str | None:
    """The build of the journeys as they are now.

    None while they are not built to their end, and when a newer release came after it.
    """
    return progress.finished_version(session, progress.JOURNEYS)


def bound_to(version: str, payload: str) -> str:
    """What a verdict over a journey names: the version of the core and the journeys' build."""
    return f"{version}/{payload}"


def last_release(session: Session) -> dict[str, Any] | None:
    """The newest release of a whole refresh, `table_rows` as a dict; None before the first one.

    What the live lane released since is part of what the next refresh is held against.
    """
    if not session.table_exists("released", "releases"):
        return None
    found = session.rows(
        f"select * from released.releases where {of_batches(session)}"
        " order by release_number desc limit 1"
    )
    return {**found[0], "table_rows": json.loads(found[0]["table_rows"])} if found else None


def release(
    warehouse: Warehouse,
    required_suites: Sequence[str],
    verdicts_for: Callable[[str], Mapping[str, JudgedSuite]],
    consume: Callable[[Session, int], object],
) -> ReleaseResult:
    """Copy core to released in one transaction when every required suite passed this version.

    Releasing a version again, with the same rows held back, uses up the loads in scope and gives
    the same release number.

    Args:
        warehouse: the warehouse.
        required_suites: names of the suites that must have passed.
        verdicts_for: newest verdict of each suite over a version of the model, by suite.
        consume: marks the loads in scope as used up by a release, in the same transaction.

    Raises:
        BlockedError: no model, one that was not built for the candidate in scope, no verdict, or a
            failed one; says which suite and what to do.
    """
    if not required_suites:
        raise BlockedError(
            "A release without a required suite would let anything pass.",
            "hand in the names of the blocking suites.",
        )
    with warehouse.writer("release") as session:
        version = model_version(session)
        if version is None:
            raise BlockedError(
                "There is no finished build of the core model to release.",
                "build the core models to their end, run the gates, then release.",
            )
        _refuse_unless_built(session, version)
        ensure_released_tables(session)
        changed_rows.ensure_tables(session)
        held = held_rows.digest(session, version)
        earlier = _release_of(session, version, held)
        if earlier is not None:
            consume(session, earlier.release_number)
            return earlier
        judged = verdicts_for(version)
        _refuse_unless_judged(session, required_suites, judged, version)
        return _write_release(session, version, held, judged, consume)


def _refuse_unless_built(session: Session, version: str) -> None:
    """Raise unless staging, identity and core were all done for the candidate in scope."""
    reasons = progress.unfinished(session, version)
    if reasons:
        raise BlockedError(
            f"Model version {version} was not built from all that is in scope: "
            f"{'; '.join(reasons)} for the candidate that was opened last.",
            "let the newer refresh end, or run the whole refresh again: scope, staging, identity, "
            "core, gates, release.",
        )


def _refuse_unless_judged(
    session: Session,
    required: Sequence[str],
    judged: Mapping[str, JudgedSuite],
    version: str,
) -> None:
    """Raise unless every suite passed over what the core tables hold at this moment."""
    reasons = unmet(required, judged, version)
    for suite in required if not reasons else ():
        schema, _, table = judged[suite].table.partition(".")
        kept = held_rows.count_held(session, version, suite)
        if kept != judged[suite].held:
            reasons.append(f"{suite} holds {judged[suite].held} rows, of which {kept} are noted")
        if not table:
            continue
        rows = count(session, schema, table)
        due = judged[suite].rows
        if due is not None:
            due += live_rows.added(session, table, judged[suite].decided_at)
        if rows != due:
            reasons.append(f"{suite} judged {due} rows, {table} now has {rows}")
    if reasons:
        raise BlockedError(
            f"Model version {version} is held: {'; '.join(reasons)}.",
            "mend the data or its source, build the core models again, run the gates over the new "
            "version, then release.",
        )


def _write_release(
    session: Session,
    version: str,
    held: str,
    judged: Mapping[str, JudgedSuite],
    consume: Callable[[Session, int], object],
) -> ReleaseResult:
    number = int(
        session.scalar("select coalesce(max(release_number), 0) + 1 from released.releases")
    )
    candidate = _candidate(session)
    now = datetime.now(UTC)
    rows: dict[str, int] = {}
    changed: dict[str, int] = {}
    removed: dict[str, int] = {}
    is_whole = True
    for table, keys in RELEASED_TABLES.items():
        if not session.table_exists("core", table):
            raise BlockedError(
                f"core.{table} does not exist, and a release is always the whole set.",
                "build all core models, run the gates, then release.",
            )
        touched = changed_rows.touched_table(session, version, table)
        is_whole &= touched is None
        removed[table], changed[table] = copy_table(session, table, keys, number, touched)
        if touched and not is_complete(session, table, keys):
            # Something was written past the scope: compare every row, whatever it costs.
            more = copy_table(session, table, keys, number)
            removed[table], changed[table] = removed[table] + more[0], changed[table] + more[1]
        rows[table] = count(session, "released", table)
    changed_rows.forget_candidate(session)
    live_rows.forget(session)
    values = [number, version, candidate, now, json.dumps(rows), is_whole, held, BATCH]
    session.append(
        "released",
        "releases",
        pa.table([[value] for value in values], schema=RELEASES),
    )
    session.append("released", "verdicts", verdict_rows(number, judged))
    consume(session, number)
    return ReleaseResult(number, version, candidate, rows, changed, removed)


def _release_of(session: Session, version: str, held: str) -> ReleaseResult | None:
    """The release of this version with these rows held back; None when there is none yet."""
    found = session.rows(
        "select * from released.releases where model_version = :version"
        " and coalesce(held_digest, '') = :held and release_number ="
        f" (select max(release_number) from released.releases where {of_batches(session)})",
        {"version": version, "held": held},
    )
    if not found:
        return None
    row = found[0]
    return ReleaseResult(
        release_number=int(row["release_number"]),
        model_version=version,
        candidate_id=row["candidate_id"],
        rows=json.loads(row["table_rows"]),
        repeated=True,
    )


def _candidate(session: Session) -> str:
    if not session.table_exists("scope", "state"):
        return ""
    return str(session.scalar("select candidate_id from scope.state") or "")


def verdict_rows(number: int, judged: Mapping[str, JudgedSuite]) -> pa.Table:
    """Rows of `released.verdicts` for a release."""
    rows = [
        {
            "release_number": number,
            "model_version": item.model_version,
            "suite": item.suite,
            "passed": item.passed,
            "evaluated": item.evaluated,
            "expected": item.expected,
            "rows_judged": item.rows,
            "decided_at": item.decided_at,
        }
        for item in judged.values()
    ]
    return pa.Table.from_pylist(rows, schema=VERDICTS)
