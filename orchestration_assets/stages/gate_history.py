"""Figures of the last release that gates compare the next one with."""

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


def figures_of_last_release(session: Session) -> dict[str, tuple[int, float]]:
    """Rows that each figure was taken of, and its value; no rows where nothing was released yet."""
    found = {}
    for name, (table, value) in _FIGURES.items():
        found[name] = (0, 0.0)
        if session.table_exists("released", table):
            (row,) = session.rows(
                f"select count(*) as rows, coalesce({value}, 0) as value from released.{table}"
            )
            found[name] = (int(row["rows"]), float(row["value"]))
    return found
