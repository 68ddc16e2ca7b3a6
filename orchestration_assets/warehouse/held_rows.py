"""Rows that a gate holds back alone: they are in core, and no release takes them in.

`gate.held_rows` belongs to the version that was judged last. What was released of such a row before
stays; a row that is made of a held one is held with it, and so is one that depends on a row which
was never released: a release is consistent. Deleted rows are never held: a deletion is a
restriction.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence

import pyarrow as pa

from orchestration_assets.warehouse.session import Session
from orchestration_assets.warehouse.sql import identifier, qualified

SCHEMA = "gate"
TABLE = f"{SCHEMA}.held_rows"
_COLUMNS = pa.schema(
    [
        ("model_version", pa.string()),
        ("table_name", pa.string()),
        ("row_key", pa.string()),
        ("suite", pa.string()),
        ("rule", pa.string()),
        ("source", pa.string()),
        ("fingerprint", pa.string()),
        ("depends", pa.bool_()),
    ]
)

# (table, column) to the table whose row it names; parents before their own children.
REFERENCES: Sequence[tuple[str, str, str]] = (
    ("dim_customer_identities", "customer_id", "dim_customers"),
    ("dim_customer_identities_history", "customer_id", "dim_customers"),
    ("fct_orders", "customer_id", "dim_customers"),
    ("fct_order_lines", "order_id", "fct_orders"),
    ("fct_refunds", "order_id", "fct_orders"),
    ("fct_carts", "customer_id", "dim_customers"),
    ("fct_subscriptions", "customer_id", "dim_customers"),
    ("fct_interactions", "customer_id", "dim_customers"),
    ("fct_campaign_touches", "customer_id", "dim_customers"),
    ("fct_campaign_touches", "campaign_id", "dim_campaigns"),
    ("fct_service_cases", "customer_id", "dim_customers"),
    ("fct_survey_answers", "customer_id", "dim_customers"),
    ("fct_manual_operations", "customer_id", "dim_customers"),
)
"""Consents are left out: they may forbid, and are released with or without their customer."""


def ensure_table(session: Session) -> None:
    """Create the table of held rows when it is missing."""
    session.create_table(SCHEMA, "held_rows", _COLUMNS)


def row_key(key: Sequence[str], alias: str = "") -> str:
    """SQL text that names a row by its key columns."""
    prefix = f"{alias}." if alias else ""
    return (
        "concat_ws('|', " + ", ".join(f"cast({prefix}{identifier(n)} as text)" for n in key) + ")"
    )


def keys_of(table: str) -> str:
    """SQL query of the row keys that are held of a table."""
    return f"select row_key from {TABLE} where table_name = '{table}'"


def hold(session: Session, version: str, rows: Sequence[Mapping[str, str]]) -> None:
    """Make these the held rows of the tables of one judgement.

    Args:
        session: inside a writing transaction.
        version: what was judged.
        rows: table_name, row_key, suite, rule, source, fingerprint.
    """
    listed = [{**row, "model_version": version, "depends": False} for row in rows]
    session.append(SCHEMA, "held_rows", pa.Table.from_pylist(listed, _COLUMNS))


def let_go(session: Session, tables: Sequence[str]) -> None:
    """Forget what is held of these tables; they are about to be judged anew."""
    ensure_table(session)
    for table in tables:
        session.execute(f"delete from {TABLE} where table_name = :table", {"table": table})


def hold_derived(session: Session, version: str, left_out: Collection[str]) -> None:
    """Hold the customers whose figures are made of an order that is held, unless they are deleted.

    Args:
        session: inside a writing transaction.
        version: what was judged.
        left_out: orders that a person left out for good: their customers go on.
    """
    found = session.rows(
        "select c.customer_id, h.row_key, h.suite, h.source"
        f" from {TABLE} h join core.fct_orders c on c.order_id = h.row_key"
        " join core.dim_customers d on d.customer_id = c.customer_id"
        " where h.table_name = 'fct_orders' and not h.depends and not d.is_deleted"
        f" and d.customer_id not in ({keys_of('dim_customers')}) order by h.row_key"
    )
    rows = {
        row["customer_id"]: {
            "model_version": version,
            "table_name": "dim_customers",
            "row_key": row["customer_id"],
            "suite": row["suite"],
            "rule": f"made of {row['source']}",
            "source": row["customer_id"],
            "fingerprint": "",
            "depends": True,
        }
        for row in found
        if row["row_key"] not in left_out
    }
    session.append(SCHEMA, "held_rows", pa.Table.from_pylist(list(rows.values()), _COLUMNS))


def hold_dependents(session: Session, version: str, keys: Mapping[str, Sequence[str]]) -> None:
    """Hold the rows that name a held row which no release has; parents come first."""
    for table, column, parent in REFERENCES:
        if not session.scalar(f"select count(*) from ({keys_of(parent)}) held"):
            continue
        (parent_key,) = keys[parent]
        key = row_key(keys[table], "c")
        session.execute(
            f"insert into {TABLE} (model_version, table_name, row_key, suite, rule, source,"
            " fingerprint, depends)"
            f" select cast(:version as text), '{table}', {key}, h.suite, 'depends on ' || h.source,"
            f" {key}, '', true"
            f" from {qualified('core', table)} c"
            f" join {TABLE} h on h.table_name = '{parent}' and h.row_key = c.{identifier(column)}"
            f" where not exists (select 1 from {qualified('released', parent)} r"
            f" where r.{identifier(parent_key)} = h.row_key)"
            f" and not exists (select 1 from {TABLE} known"
            f" where known.table_name = '{table}' and known.row_key = {key})",
            {"version": version},
        )


def count_held(session: Session, version: str, suite: str) -> int:
    """Rows that a suite itself holds in a version, dependents left out."""
    if not session.table_exists(SCHEMA, "held_rows"):
        return 0
    return int(
        session.scalar(
            f"select count(*) from {TABLE}"
            " where model_version = :version and suite = :suite and not depends",
            {"version": version, "suite": suite},
        )
    )


def digest(session: Session, version: str) -> str:
    """Stands for the rows that are held in a version, dependents included; empty for none."""
    rows = session.rows(
        f"select table_name, row_key from {TABLE} where model_version = :version"
        " order by table_name, row_key",
        {"version": version},
    )
    text = "\n".join(f"{row['table_name']} {row['row_key']}" for row in rows)
    return hashlib.sha256(text.encode()).hexdigest()[:32] if rows else ""


def any_held(session: Session, table: str) -> bool:
    """Whether a row of the table is held."""
    return session.table_exists(SCHEMA, "held_rows") and bool(
        session.scalar(f"select count(*) from ({keys_of(table)}) held")
    )
