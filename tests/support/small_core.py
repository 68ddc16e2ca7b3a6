"""A core of a few rows and no dbt: what releases are tested with."""

from collections.abc import Callable
from pathlib import Path

from orchestration_assets.state.verdicts import Verdict
from orchestration_assets.warehouse.engine import Warehouse, open_warehouse
from orchestration_assets.warehouse.release import ReleaseResult, release
from orchestration_assets.warehouse.released_tables import RELEASED_TABLES
from orchestration_assets.warehouse.scope import create_scope_tables
from tests.support.candidate import finish_candidate

SUITE = "customers_are_complete_and_unique"
TWO = "insert into core.dim_customers values ('a', 1), ('b', 2)"


def small_core(url: str, folder: Path) -> Warehouse:
    """A warehouse whose core tables have their keys and an amount, and no rows."""
    opened = open_warehouse(url, folder)
    with opened.writer("prepare") as session:
        for schema in ("core", "scope"):
            session.create_schema(schema)
        create_scope_tables(session)
        session.execute("insert into scope.state (candidate_id) values ('candidate-1')")
        for table, keys in RELEASED_TABLES.items():
            columns = ", ".join(f"{name} varchar" for name in keys)
            session.execute(f"create table core.{table} ({columns}, amount decimal(18, 2))")
    return opened


def build(warehouse: Warehouse, version: str, *statements: str) -> None:
    """Write to core as a finished build of this version would."""
    with warehouse.writer("build") as session:
        for statement in statements:
            session.execute(statement)
        session.execute("delete from scope.model_version")
        session.execute(
            "insert into scope.model_version values (:version, now())", {"version": version}
        )
        finish_candidate(session, version)


def customers(warehouse: Warehouse, schema: str = "released") -> dict[str, float]:
    """Amount of each customer."""
    with warehouse.reader() as session:
        rows = session.rows(f"select customer_id, amount from {schema}.dim_customers")
    return {row["customer_id"]: float(row["amount"]) for row in rows}


def passing(rows: int = 2, *, passed: bool = True) -> Callable[[str], dict[str, Verdict]]:
    """A verdict on the customers of any version."""

    def verdicts_for(version: str) -> dict[str, Verdict]:
        verdict = Verdict(
            SUITE,
            version,
            "candidate-1",
            passed,
            evaluated=3,
            expected=3,
            rows=rows,
            table="core.dim_customers",
            reason="" if passed else "a customer is one row (1 rows)",
        )
        return {SUITE: verdict}

    return verdicts_for


def publish(
    warehouse: Warehouse,
    verdicts: Callable[[str], dict[str, Verdict]],
    consumed: list[int] | None = None,
) -> ReleaseResult:
    """Release; the numbers under which loads were used up go to `consumed`."""
    noted = [] if consumed is None else consumed
    return release(warehouse, [SUITE], verdicts, lambda _, number: noted.append(number))
