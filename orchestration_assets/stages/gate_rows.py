"""The rows a gate looks at and the rows it holds, in the warehouse and for people.

A row that breaks a rule on single rows is held back alone, with what depends on it; the rest go on.
It is judged again by every later gate and leaves by itself once it passes.
"""

from collections.abc import Mapping, Sequence

from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import FatalError
from orchestration_assets.state import held_rows as quarantine
from orchestration_assets.transform.invoke import ONE_INVOCATION
from orchestration_assets.transform.profiles import engine_of
from orchestration_assets.transform.project import ensure_manifest, load_nodes
from orchestration_assets.warehouse import held_rows
from orchestration_assets.warehouse.changed_rows import Changes, find_changes
from orchestration_assets.warehouse.released_tables import RELEASED_TABLES, ensure_released_tables
from orchestration_assets.warehouse.session import Session
from quality.catalog import ALL_SUITES
from quality.rules import Batch, Reach, Suite, SuiteResult

CORE = "core"


def changes_to_judge(
    deployment: Deployment, session: Session, suites: Sequence[Suite], version: str
) -> dict[str, Changes]:
    """Collect what changed in the core tables of these suites since the last release."""
    tables = {
        name: RELEASED_TABLES[name]
        for suite in suites
        for schema, _, name in [suite.table.partition(".")]
        if schema == CORE
    }
    if not tables:
        return {}
    unique = {
        suite.table.partition(".")[2]: [
            rule.columns for rule in suite.rules if rule.reach is Reach.KEYS
        ]
        for suite in suites
    }
    return find_changes(session, version, tables, _scopes(deployment), unique)


def batches(changes: Mapping[str, Changes]) -> dict[str, Batch]:
    """The same for the runner of the suites, by `<schema>.<table>`."""
    return {
        f"{CORE}.{name}": Batch(one.changed, one.keys, one.copies) for name, one in changes.items()
    }


def keep_held(
    deployment: Deployment,
    session: Session,
    results: Sequence[SuiteResult],
    names: Mapping[str, str],
) -> None:
    """Write down which rows are held now; where a suite has no sound answer, those of before stay.

    Args:
        deployment: the deployment.
        session: inside a writing transaction.
        results: the judgements.
        names: what each suite's verdict is bound to.
    """
    sound = [result for result in results if result.error is None]
    held_rows.let_go(session, [_bare(result) for result in sound])
    for result in sound:
        rows = _rows(result)
        held_rows.hold(
            session, names[result.suite], [{"table_name": _bare(result)} | r for r in rows]
        )
        quarantine.note_held(deployment.state, result.table, rows)
    versions = {names[result.suite] for result in sound if result.table.startswith(f"{CORE}.")}
    if versions:
        # What was never released is looked up there.
        ensure_released_tables(session)
    left_out = quarantine.discarded(deployment.state, f"{CORE}.fct_orders")
    for version in versions:
        held_rows.hold_derived(session, version, left_out)
        held_rows.hold_dependents(session, version, RELEASED_TABLES)


def decide_on_rows(
    deployment: Deployment, table: str, row_keys: Sequence[str], status: str, by: str, because: str
) -> int:
    """Take down a person's word on held rows; the next refresh goes by it.

    Raises:
        FatalError: no suite guards such a table, or none of the rows is held.
    """
    known = [suite.table for suite in ALL_SUITES if suite.key]
    if table not in known:
        raise FatalError(f"No gate holds rows of {table!r}.", f"name one of {', '.join(known)}.")
    count = quarantine.decide(deployment.state, table, row_keys, status, by, because)
    if not count:
        raise FatalError(
            f"None of these rows of {table} is held.",
            "see accord quarantine list for the rows that are, and name them as shown there.",
        )
    return count


def waiting_rows(deployment: Deployment) -> list[str]:
    """Rows that a person let pass and that the warehouse still holds: a refresh is due for them."""
    settled = quarantine.settled(deployment.state)
    if not settled:
        return []
    with deployment.warehouse.reader() as session:
        if not session.table_exists(held_rows.SCHEMA, "held_rows"):
            return []
        rows = session.rows(f"select table_name, row_key, fingerprint from {held_rows.TABLE}")
    held = {(row["table_name"], row["row_key"], row["fingerprint"]) for row in rows}
    return sorted(
        f"released row:{table}:{key}"
        for table, entries in settled.items()
        for key, fingerprint in entries
        if (table.partition(".")[2], key, fingerprint) in held
    )


def _rows(result: SuiteResult) -> list[dict[str, str]]:
    return [
        {
            "row_key": row.key,
            "suite": result.suite,
            "rule": row.rule,
            "source": row.source,
            "fingerprint": row.fingerprint,
        }
        for row in result.held
    ]


def _bare(result: SuiteResult) -> str:
    return result.table.partition(".")[2]


def _scopes(deployment: Deployment) -> dict[str, Mapping[str, str]]:
    with ONE_INVOCATION:
        nodes = load_nodes(ensure_manifest(engine_of(deployment.warehouse.url)))
    return {
        node.name: node.meta["scope"]
        for node in nodes
        if node.resource_type == "model" and node.schema == CORE and "scope" in node.meta
    }
