"""Money in the reporting currency: the rate of the day, whatever comes first or late."""

from datetime import UTC, date, datetime
from decimal import Decimal

from tests.support.model_world import ModelWorld


def rate(day: str, value: str, currency: str = "USD", **changes) -> dict:
    return {
        "id": f"{currency}:EUR:{day}",
        "from_currency": currency,
        "to_currency": "EUR",
        "rate_date": date.fromisoformat(day),
        "rate": value,
    } | changes


def order(number: int, day: str, currency: str = "USD", **changes) -> dict:
    at = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    base = {"id": f"o{number}", "name": f"#{number}", "customer_id": "71", "processed_at": at}
    return base | {"currency_code": currency, "total_price": "100.00"} | changes


def reported(world: ModelWorld) -> dict[str, Decimal | None]:
    rows = world.rows("select order_id, net_amount_reporting from core.fct_orders")
    return {row["order_id"].removeprefix("shopify:"): row["net_amount_reporting"] for row in rows}


def value(world: ModelWorld) -> list:
    rows = world.rows("select lifetime_value, lifetime_value_reporting from core.dim_customers")
    return [tuple(row.values()) for row in rows]


def test_a_rate_that_comes_late_or_is_corrected_reaches_every_amount_of_its_days(
    either: ModelWorld,
) -> None:
    either.land("shopify", "customers", {"id": "71", "email": "ann@example.com"})
    refund = {"id": "r1", "createdAt": "2025-01-04T00:00:00Z", "amount": "10.00"}
    either.land(
        "shopify",
        "orders",
        order(1, "2025-01-01"),
        order(2, "2025-01-02", refunds=[refund]),
        order(3, "2025-01-05", "EUR"),
    )
    either.land("reference", "exchange_rates", rate("2025-01-02", "0.9"))
    either.refresh()
    either.release()
    assert reported(either) == {"o1": None, "o2": Decimal("90.00"), "o3": Decimal("100.00")}
    # One order without a rate leaves the sum open instead of making it smaller.
    assert value(either) == [(Decimal("200.00"), None)]
    either.land("reference", "exchange_rates", rate("2025-01-01", "0.8"))
    either.refresh()
    either.release()
    assert reported(either) == {"o1": Decimal("80.00"), "o2": Decimal("90.00"), "o3": 100}
    assert value(either) == [(Decimal("200.00"), Decimal("270.00"))]
    refunds = "select amount_reporting from core.fct_refunds"
    assert either.rows(refunds) == [{"amount_reporting": Decimal("9.00")}]
    # The second of January is corrected, and a rate of the fourth is the refund's own now.
    either.land("reference", "exchange_rates", rate("2025-01-02", "0.5"), rate("2025-01-04", "0.7"))
    either.refresh()
    assert reported(either) == {"o1": 80, "o2": 50, "o3": 100}
    assert either.rows(refunds) == [{"amount_reporting": Decimal("7.00")}]
    in_scope = "select record_id from scope.records where stream = 'orders' order by 1"
    assert [row["record_id"] for row in either.rows(in_scope)] == ["o2"]
    either.release()
    either.land("reference", "exchange_rates", rate("2025-01-02", "0.5", deleted=True))
    either.refresh()
    assert reported(either) == {"o1": 80, "o2": 80, "o3": 100}
    incremental = either.core()
    either.refresh(full=True, tests=False)
    assert either.core() == incremental


def test_a_currency_without_a_rate_is_counted_and_never_guessed(duck: ModelWorld) -> None:
    duck.land("shopify", "orders", order(1, "2025-01-01", "SEK"), order(2, "2025-01-01"))
    duck.land("reference", "exchange_rates", rate("2025-01-01", "0.9"))
    cost = {"kind": "media", "amount": "50.00", "currency_code": "SEK"}
    span = {"period_start": date(2025, 1, 1), "period_end": date(2025, 1, 31)}
    duck.land("reference", "costs", {"id": "c1"} | cost | span)
    duck.refresh()
    assert reported(duck) == {"o1": None, "o2": Decimal("90.00")}
    warned = {
        node.unique_id.split(".")[2]: node.failures
        for node in duck.stages[-1].nodes
        if node.status == "warn"
    }
    assert warned == {
        "is_in_reporting_currency_fct_orders_total_amount__total_amount_reporting": 1,
        "is_in_reporting_currency_fct_orders_net_amount__net_amount_reporting": 1,
        "is_in_reporting_currency_fct_costs_amount__amount_reporting": 1,
    }


def test_the_rate_of_a_day_is_that_of_the_day_in_utc(duck: ModelWorld) -> None:
    at = datetime(2025, 1, 1, 23, 30, tzinfo=UTC)
    duck.land("shopify", "orders", order(1, "2025-01-01", processed_at=at))
    duck.land("reference", "exchange_rates", rate("2025-01-01", "0.9"), rate("2025-01-02", "0.1"))
    duck.refresh(tests=False)
    assert reported(duck) == {"o1": Decimal("90.00")}
