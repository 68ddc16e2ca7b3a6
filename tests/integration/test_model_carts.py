"""Who is reminded of a cart: an open one, lately left, by someone who agreed and did not order."""

from datetime import UTC, timedelta

import pytest

from orchestration_assets.transform import project
from orchestration_assets.transform.scoped import compile_scoped
from tests.support.model_records import NOW, shopper
from tests.support.model_records import order as ordered
from tests.support.model_world import ModelWorld

NAME = "jrn_abandoned_cart_email"
AGREED = {"email_marketing_state": "SUBSCRIBED", "email_marketing_updated_at": NOW}


def cart(number: str, days_ago: float, **changes) -> dict:
    """A checkout of hers that was left so many days ago."""
    at = NOW - timedelta(days=days_ago)
    base = {"id": number, "at": at, "created_at": at, "name": f"#C{number}", "customer_id": "71"}
    return base | {"currency_code": "EUR", "total_price": "42.50"} | changes


def reminded(world: ModelWorld) -> list[tuple]:
    """(email, cart) of everybody who is to be reminded, from a refresh and a release."""
    world.refresh(tests=False)
    world.release()
    world.build(project.ACT)
    rows = world.rows("select email, cart_id from journeys.jrn_abandoned_cart_email order by 1")
    return [(row["email"], row["cart_id"].removeprefix("shopify:")) for row in rows]


def test_a_cart_that_was_left_is_a_reminder_until_she_orders(either: ModelWorld) -> None:
    either.land("shopify", "customers", shopper(**AGREED))
    either.land("shopify", "orders", ordered("1", 30), ordered("2", 0.5, cancelled_at=NOW))
    either.land("shopify", "abandoned_checkouts", cart("c1", 1))
    assert reminded(either) == [("ann@example.com", "c1")]
    (row,) = either.rows("select * from journeys.jrn_abandoned_cart_email")
    assert list(row) == [
        "customer_id",
        "email",
        "cart_id",
        "cart_name",
        "total_amount",
        "currency_code",
        "updated_at",
    ]
    assert (row["cart_name"], str(row["total_amount"]), row["currency_code"]) == (
        "#Cc1",
        "42.50",
        "EUR",
    )
    assert row["updated_at"].astimezone(UTC) == NOW - timedelta(days=1)
    either.land("shopify", "orders", ordered("3", 0.2))
    assert reminded(either) == []


@pytest.mark.parametrize(
    ("consent", "carts", "expected"),
    [
        (AGREED, [cart("c1", 1)], ["c1"]),
        ({}, [cart("c1", 1)], []),
        ({**AGREED, "email_marketing_state": "UNSUBSCRIBED"}, [cart("c1", 1)], []),
        (AGREED, [cart("c1", 8)], []),
        (AGREED, [cart("c1", 8, at=NOW - timedelta(days=6))], ["c1"]),
        (AGREED, [cart("c1", 1, completed_at=NOW)], []),
        (AGREED, [cart("c1", 1, deleted=True)], []),
        (AGREED, [cart("c1", 1, customer_id=None)], []),
        (AGREED, [cart("c1", 3), cart("c2", 2), cart("c0", 4)], ["c2"]),
        (AGREED, [cart("c1", 3), cart("c2", 2, completed_at=NOW)], ["c1"]),
    ],
    ids=[
        "agreed",
        "never asked",
        "withdrawn",
        "old",
        "old and touched lately",
        "bought",
        "deleted",
        "nobody's",
        "the newest of three",
        "the newest open one",
    ],
)
def test_only_open_carts_of_those_who_agreed_count(
    duck: ModelWorld, consent: dict, carts: list[dict], expected: list[str]
) -> None:
    duck.land("shopify", "customers", shopper(**consent))
    duck.land("shopify", "abandoned_checkouts", *carts)
    assert reminded(duck) == [("ann@example.com", number) for number in expected]


def test_by_scope_the_rows_of_the_customers_in_scope_are_made_anew_and_no_others(
    either: ModelWorld,
) -> None:
    bob = shopper(id="72", email="bob@x.org", first_name="Bob", last_name="Ray", **AGREED)
    either.land("shopify", "customers", shopper(**AGREED), bob)
    either.land("shopify", "abandoned_checkouts", cart("c1", 1), cart("c2", 1, customer_id="72"))
    assert reminded(either) == [("ann@example.com", "c1"), ("bob@x.org", "c2")]
    ann = either.customer_of()["shopify", "71"]
    model = compile_scoped(either.warehouse, either.home, [NAME]).journeys[NAME]
    amounts = f"select email, cast(total_amount as text) as amount from journeys.{NAME} order by 1"
    with either.warehouse.writer("events") as session:
        session.execute("insert into scope.customers (customer_id) values (:id)", {"id": ann})
        session.execute("update released.fct_carts set total_amount = 7.25")
        model.build(session)
        assert [tuple(row.values()) for row in session.rows(amounts)] == [
            ("ann@example.com", "7.25"),
            ("bob@x.org", "42.50"),
        ]
        session.execute("update released.fct_carts set status = 'completed'")
        assert model.build(session) == -1
        assert [row["email"] for row in session.rows(amounts)] == ["bob@x.org"]
