"""Figures of the last release that gates compare the next one with."""

from collections.abc import Collection

from orchestration_assets.warehouse.session import Session

# Name of the figure: released table, and SQL of its value.
_FIGURES = {
    "order_total_mean": ("fct_orders", "avg(total_amount)"),
    "customer_email_share": ("dim_customers", "avg(case when email is null then 0.0 else 1.0 end)"),
    "consent_granted_share": ("fct_consents", "avg(case when is_granted then 1.0 else 0.0 end)"),
    "consent_not_granted_share": (
        "fct_consents",
        "avg(case when is_granted then 0.0 else 1.0 end)",
    ),
}


def figures_of_last_release(
    session: Session, tables: Collection[str] | None = None
) -> dict[str, tuple[int, float]]:
    """Rows that each figure was taken of, and its value; no rows where nothing was released yet.

    Args:
        session: open on the warehouse.
        tables: those whose figures are asked for; None for all.
    """
    found = {}
    for name, (table, value) in _FIGURES.items():
        if tables is not None and table not in tables:
            continue
        found[name] = (0, 0.0)
        if session.table_exists("released", table):
            (row,) = session.rows(
                f"select count(*) as rows, coalesce({value}, 0) as value from released.{table}"
            )
            found[name] = (int(row["rows"]), float(row["value"]))
    return found
