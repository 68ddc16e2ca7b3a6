"""The released schema: which tables it holds, and making one of them equal to core's.

Every released row carries the number of the release that wrote it; see `released_history` for the
rows that a later one replaced.
"""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from orchestration_assets.warehouse import held_rows
from orchestration_assets.warehouse import released_history as history
from orchestration_assets.warehouse.session import Session
from orchestration_assets.warehouse.sql import identifier, qualified

# Every released table with the columns that make a row of it unique.
RELEASED_TABLES: Mapping[str, tuple[str, ...]] = {
    "dim_customers": ("customer_id",),
    "dim_customer_identities": ("system", "record_id"),
    "dim_customer_identities_history": ("system", "record_id", "valid_from"),
    "dim_accounts": ("account_id",),
    "dim_campaigns": ("campaign_id",),
    "dim_products": ("product_id",),
    "fct_orders": ("order_id",),
    "fct_order_lines": ("order_line_id",),
    "fct_refunds": ("refund_id",),
    "fct_carts": ("cart_id",),
    "fct_subscriptions": ("subscription_id",),
    "fct_consents": ("customer_id", "purpose", "channel"),
    "fct_consents_history": ("customer_id", "purpose", "channel", "valid_from"),
    "fct_interactions": ("interaction_id",),
    "fct_campaign_touches": ("customer_id", "campaign_id"),
    "fct_service_cases": ("service_case_id",),
    "fct_survey_answers": ("survey_answer_id",),
    "fct_manual_operations": ("manual_operation_id",),
    "fct_costs": ("cost_id",),
}

_MOMENT = pa.timestamp("us", "UTC")
RELEASES = pa.schema(
    [
        ("release_number", pa.int64()),
        ("model_version", pa.string()),
        ("candidate_id", pa.string()),
        ("released_at", _MOMENT),
        ("table_rows", pa.string()),
        ("is_whole", pa.bool_()),
        ("held_digest", pa.string()),
        ("lane", pa.string()),
    ]
)
BATCH, LIVE = "batch", "live"
"""Lanes: a refresh of all that landed, or a small batch of events beside it."""
VERDICTS = pa.schema(
    [
        ("release_number", pa.int64()),
        ("model_version", pa.string()),
        ("suite", pa.string()),
        ("passed", pa.bool_()),
        ("evaluated", pa.int64()),
        ("expected", pa.int64()),
        ("rows_judged", pa.int64()),
        ("decided_at", _MOMENT),
    ]
)


def ensure_released_tables(session: Session) -> None:
    """Create what the released schema lacks, empty and in core's shape, for views to read."""
    session.create_schema("released")
    session.create_table("released", "releases", RELEASES)
    session.create_table("released", "verdicts", VERDICTS)
    for table in RELEASED_TABLES:
        if not session.table_exists("core", table):
            continue
        if not session.table_exists("released", table):
            _create_like_core(session, table)
        _number_rows(session, table)


def of_batches(session: Session) -> str:
    """Condition on `released.releases`: those of whole refreshes, not those of single events."""
    is_told = "lane" in session.columns("released", "releases")
    return f"coalesce(lane, '{BATCH}') = '{BATCH}'" if is_told else "true"


def copy_table(
    session: Session,
    table: str,
    keys: Sequence[str],
    release_number: int,
    touched: str | None = None,
) -> tuple[int, int]:
    """Make the released table equal to core's but for held rows, touching only rows that differ.

    What is removed or replaced moves to the history of the table, under this release's number.

    Args:
        session: the release's own transaction.
        table: which table.
        keys: columns that make a row of it unique.
        release_number: the release.
        touched: table of the keys that may differ; None compares all rows.

    Returns:
        Rows removed (vanished or replaced) and rows inserted (new or replaced).
    """
    moved = _take_shape_of_core(session, table, release_number)
    target = qualified("released", table)
    columns = ", ".join(identifier(name) for name in session.columns("core", table))
    key = ", ".join(identifier(name) for name in keys)
    condition = _compared(session, table, keys, touched)
    source = f"(select {columns} from {qualified('core', table)} where {condition})"
    same = " and ".join(f"r.{identifier(name)} = c.{identifier(name)}" for name in keys)
    # Names are checked identifiers; no value is part of the text.
    session.execute("drop table if exists gone_rows")
    session.execute(
        f"create temporary table gone_rows as select {key} from ("
        f"select {columns} from {target} where {condition} except select * from {source} core"
        ") as gone"
    )
    gone = f"({key}) in (select {key} from gone_rows)"
    history.keep(session, table, gone, release_number)
    removed = session.execute(f"delete from {target} where {gone}")
    session.execute("drop table gone_rows")
    inserted = session.execute(
        f"insert into {target} ({columns}, {history.RELEASE_NUMBER})"
        f" select {columns}, cast(:number as bigint) from {source} as c"
        f" where not exists (select 1 from {target} as r where {same})",
        {"number": release_number},
    )
    return removed + moved, inserted


def is_complete(session: Session, table: str, keys: Sequence[str]) -> bool:
    """Whether the released table has as many rows as it must have, held rows considered."""
    due = count(session, "core", table)
    if held_rows.any_held(session, table):
        there = f"select {held_rows.row_key(keys)} from {qualified('released', table)}"
        due -= int(
            session.scalar(
                f"select count(*) from ({held_rows.keys_of(table)}) held"
                f" where row_key not in ({there})"
            )
        )
    return count(session, "released", table) == due


def _compared(session: Session, table: str, keys: Sequence[str], touched: str | None) -> str:
    """Condition on the rows that are compared: those touched, held ones left as they are."""
    key = ", ".join(identifier(name) for name in keys)
    parts = [f"({key}) in (select {key} from {touched})"] if touched else []
    if held_rows.any_held(session, table):
        parts.append(f"{held_rows.row_key(keys)} not in ({held_rows.keys_of(table)})")
    return " and ".join(parts) or "true"


def _take_shape_of_core(session: Session, table: str, release_number: int) -> int:
    """Give the released table the columns of core's; return the rows that had to move for it.

    A column that is added costs nothing. Where one went or changed its type, the rows of before
    keep it in the history, and the table begins anew.
    """
    wanted, found = history.shape(session, "core", table), history.shape(session, "released", table)
    moved = 0
    if any(wanted.get(name) != kind for name, kind in found.items()):
        moved = history.keep(session, table, "true", release_number)
        cascade = " cascade" if session.dialect == "postgres" else ""
        session.execute(f"drop table {qualified('released', table)}{cascade}")
        _create_like_core(session, table)
    else:
        for name in wanted.keys() - found.keys():
            session.execute(
                f"alter table {qualified('released', table)}"
                f" add column {identifier(name)} {wanted[name]}"
            )
    history.take_shape_of_core(session, table, release_number)
    return moved


def _create_like_core(session: Session, table: str) -> None:
    session.execute(
        f"create table {qualified('released', table)} as"
        f" select *, cast(0 as bigint) as {history.RELEASE_NUMBER}"
        f" from {qualified('core', table)} where false"
    )


def _number_rows(session: Session, table: str) -> None:
    """Say of rows that were released before their release was noted that the newest wrote them."""
    if history.RELEASE_NUMBER in session.columns("released", table):
        return
    name = qualified("released", table)
    session.execute(f"alter table {name} add column {history.RELEASE_NUMBER} bigint")
    session.execute(
        f"update {name} set {history.RELEASE_NUMBER} ="
        " (select coalesce(max(release_number), 0) from released.releases)"
    )


def count(session: Session, schema: str, table: str) -> int:
    """Rows of a table."""
    return int(session.scalar(f"select count(*) from {qualified(schema, table)}"))
