"""Rows that break a rule are held back alone, on both engines; a release looks at what changed."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import BlockedError
from orchestration_assets.settings import Settings
from orchestration_assets.stages.gate import judge, publish
from orchestration_assets.stages.gate_rows import decide_on_rows, waiting_rows
from orchestration_assets.state import held_rows as quarantine
from orchestration_assets.state.verdicts import newest_verdicts
from orchestration_assets.warehouse import changed_rows
from orchestration_assets.warehouse.release import ReleaseResult
from orchestration_assets.warehouse.released_tables import RELEASED_TABLES, copy_table
from quality.catalog import CORE_SUITES
from tests.support.model_records import LINE, NOW, land_everything, order, shopper
from tests.support.model_world import ModelWorld

ORDERS = "core.fct_orders"
# Small enough to leave what the customer has spent a sum above nothing.
BAD = {"total": "-1.00"}
RULE = "totals are neither negative nor absurd"


@pytest.fixture(autouse=True)
def _no_table_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is judged and released by change at a size is so here."""
    monkeypatch.setattr(changed_rows, "FEW_ROWS", 0)


@contextmanager
def opened(world: ModelWorld) -> Iterator[Deployment]:
    """The deployment over the world's stores."""
    deployment = Deployment(
        Settings(home=world.home, warehouse_url=world.warehouse.url, state_url="")
    )
    try:
        yield deployment
    finally:
        deployment.close()


@pytest.fixture
def on_either(either: ModelWorld) -> Iterator[Deployment]:
    """The deployment over a world on each engine."""
    with opened(either) as deployment:
        yield deployment


@pytest.fixture
def deployment(duck: ModelWorld) -> Iterator[Deployment]:
    """The deployment over a world in DuckDB."""
    with opened(duck) as deployment:
        yield deployment


def gate(world: ModelWorld, deployment: Deployment) -> ReleaseResult:
    world.refresh(tests=False)
    judge(deployment, CORE_SUITES, "run")
    return publish(deployment)


def released(world: ModelWorld, table: str = "fct_orders", column: str = "order_id") -> set[str]:
    return {row[column] for row in world.rows(f"select {column} from released.{table}")}


def held(deployment: Deployment) -> list[tuple[str, str, str]]:
    rows = quarantine.held(deployment.state)
    return [(row["table_name"], row["source"], row["rule"]) for row in rows]


def test_a_broken_row_is_held_with_what_depends_on_it_and_leaves_once_it_is_mended(
    either: ModelWorld, on_either: Deployment
) -> None:
    land_everything(either)
    gate(either, on_either)
    either.land("shopify", "orders", order("3", 10, **BAD))
    first = gate(either, on_either)
    assert released(either) == {"shopify:1", "shopify:2"}
    # What her customer is made of is not taken from an order that is held.
    spent = "select order_count, lifetime_value from released.dim_customers where order_count > 0"
    assert [tuple(map(float, row.values())) for row in either.rows(spent)] == [(2, 42.5)]
    assert released(either, "fct_order_lines", "order_line_id") == {"shopify:l1", "shopify:l2"}
    assert held(on_either) == [(ORDERS, "shopify:3", RULE)]
    verdict = newest_verdicts(on_either.state, first.model_version)
    assert verdict["orders_are_complete_and_valued"].passed
    assert verdict["orders_are_complete_and_valued"].held == 1
    # Nothing changes, and the row stays where it is.
    again = gate(either, on_either)
    assert (again.repeated, held(on_either)[0][1]) == (True, "shopify:3")
    either.land("shopify", "orders", order("3", 10))
    mended = gate(either, on_either)
    assert released(either) == {"shopify:1", "shopify:2", "shopify:3"}
    assert "shopify:l3" in released(either, "fct_order_lines", "order_line_id")
    assert held(on_either) == []
    row = quarantine.show(on_either.state, ORDERS, "shopify:3")
    assert row is not None
    assert row["status"] == quarantine.PASSED
    # Only what the order touches was written: it, its line and its customer.
    written = {table: count for table, count in mended.changed.items() if count}
    assert written == {"dim_customers": 1, "fct_orders": 1, "fct_order_lines": 1}


def test_the_version_before_stays_while_a_row_is_held_and_a_deletion_passes(
    duck: ModelWorld, deployment: Deployment
) -> None:
    land_everything(duck)
    gate(duck, deployment)
    duck.land("shopify", "orders", order("2", 200, **BAD))
    gate(duck, deployment)
    totals = "select total_amount from released.fct_orders where order_id = 'shopify:2'"
    assert [float(row["total_amount"]) for row in duck.rows(totals)] == [12.5]
    duck.land("shopify", "orders", order("2", 200, deleted=True, **BAD))
    gate(duck, deployment)
    deleted = "select is_deleted from released.fct_orders where order_id = 'shopify:2'"
    assert duck.rows(deleted) == [{"is_deleted": True}]
    assert held(deployment) == []


def test_a_person_lets_a_row_pass_or_leaves_it_out(
    duck: ModelWorld, deployment: Deployment
) -> None:
    land_everything(duck)
    gate(duck, deployment)
    duck.land("shopify", "orders", order("3", 10, **BAD), order("4", 11, **BAD))
    number = gate(duck, deployment).release_number
    word = {"by": "ann", "because": "a test currency"}
    assert decide_on_rows(deployment, ORDERS, ["shopify:3"], quarantine.RELEASED, **word) == 1
    assert decide_on_rows(deployment, ORDERS, ["shopify:4"], quarantine.DISCARDED, **word) == 1
    assert waiting_rows(deployment) == ["released row:core.fct_orders:shopify:3"]
    result = gate(duck, deployment)
    assert (result.repeated, result.release_number) == (False, number + 1)
    assert released(duck) == {"shopify:1", "shopify:2", "shopify:3"}
    assert (waiting_rows(deployment), held(deployment)) == ([], [])
    # A word counts for the row as it was.
    duck.land("shopify", "orders", order("3", 10, "-2.00"))
    gate(duck, deployment)
    assert [source for _, source, _ in held(deployment)] == ["shopify:3"]


def test_too_many_broken_rows_shut_the_gate(duck: ModelWorld, deployment: Deployment) -> None:
    land_everything(duck)
    gate(duck, deployment)
    duck.land("shopify", "orders", *(order(f"b{n}", 10, **BAD) for n in range(25)))
    with pytest.raises(BlockedError, match=r"More than 20 of 27 rows would have to be held"):
        gate(duck, deployment)
    assert released(duck) == {"shopify:1", "shopify:2"}


def test_a_new_customer_who_is_held_keeps_all_of_their_rows_back_but_their_consent(
    duck: ModelWorld, deployment: Deployment
) -> None:
    land_everything(duck)
    gate(duck, deployment)
    consent = {"email_marketing_state": "UNSUBSCRIBED", "email_marketing_updated_at": NOW}
    duck.land("shopify", "customers", shopper(id="73", email="eve@x.org", **consent))
    bad = [LINE | {"id": "lx", "quantity": 1}]
    duck.land("shopify", "orders", order("9", 5, "-7.00", customer_id="73", line_items=bad))
    gate(duck, deployment)
    # Her lifetime value is negative, and so is the order's total.
    names = {table for table, _, _ in held(deployment)}
    assert names == {"core.dim_customers", ORDERS}
    (eve,) = duck.rows("select customer_id from core.dim_customers where email = 'eve@x.org'")
    eve = eve["customer_id"]
    assert eve not in released(duck, "dim_customers", "customer_id")
    assert eve not in released(duck, "dim_customer_identities", "customer_id")
    assert eve in released(duck, "fct_consents", "customer_id")


def test_what_is_released_by_change_is_what_comparing_all_rows_would_release(
    duck: ModelWorld, deployment: Deployment
) -> None:
    dice = random.Random(5)
    land_everything(duck)
    gate(duck, deployment)
    for step in range(2):
        orders = [
            order(
                str(dice.randrange(8)),
                dice.randrange(300),
                f"{dice.randrange(-20, 200)}.00",
                currency_code=dice.choice(("EUR", "EUR", "USD", "EURO")),
                customer_id=dice.choice(("71", "72", None)),
                deleted=dice.random() < 0.2,
            )
            for _ in range(4)
        ]
        duck.land("shopify", "orders", *{one["id"]: one for one in orders}.values())
        duck.land("shopify", "customers", shopper(id="72", email=f"bob{step}@x.org"))
        assert not gate(duck, deployment).repeated
        with duck.warehouse.writer("compare") as session:
            for table, keys in RELEASED_TABLES.items():
                assert copy_table(session, table, keys, 99) == (0, 0), (step, table)
