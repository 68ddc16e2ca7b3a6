"""Costs and exchange rates in staging, on both engines."""

from datetime import UTC, date, datetime
from decimal import Decimal

from orchestration_assets.warehouse.scope import open_scope
from tests.support.model_world import ModelWorld

WRITTEN = datetime(2026, 2, 1, 8, 0, tzinfo=UTC)
MODELS = [
    "stg_scope__records",
    "stg_scope__readable_loads",
    "stg_reference__costs",
    "stg_reference__exchange_rates",
]
COST = {
    "id": "c1",
    "cost_id": "c1",
    "kind": "licence",
    "channel": "email",
    "period_start": date(2026, 1, 1),
    "period_end": date(2026, 1, 31),
    "amount": "790.005",
    "currency_code": "USD",
    "at": WRITTEN,
}
RATE = {
    "id": "USD:EUR:2026-01-01",
    "rate_id": "USD:EUR:2026-01-01",
    "from_currency": "USD",
    "to_currency": "EUR",
    "rate_date": date(2026, 1, 1),
    "rate": "0.86213457",
    "at": WRITTEN,
}


def test_a_cost_counts_in_its_latest_version_and_one_taken_out_is_marked(
    either: ModelWorld,
) -> None:
    either.land("reference", "costs", COST, COST | {"id": "c2", "cost_id": "c2"})
    either.land("reference", "exchange_rates", RATE)
    open_scope(either.warehouse)
    either.build(MODELS)
    later, earlier = WRITTEN.replace(day=5), WRITTEN.replace(day=1, hour=7)
    either.land(
        "reference",
        "costs",
        COST | {"amount": "800", "at": later},
        COST | {"amount": "1", "at": earlier},
        COST | {"id": "c2", "cost_id": "c2", "deleted": True},
    )
    open_scope(either.warehouse)
    either.build(MODELS)
    first, second = either.rows("select * from staging.stg_reference__costs order by cost_id")
    assert (first["amount"], first["source_at"], first["is_deleted"]) == (800, later, False)
    assert (first["period_start"], first["campaign_name"]) == (date(2026, 1, 1), None)
    assert (second["amount"], second["is_deleted"]) == (Decimal("790.01"), True)
    [rate] = either.rows("select * from staging.stg_reference__exchange_rates")
    assert (rate["rate_id"], rate["rate_date"]) == ("USD:EUR:2026-01-01", date(2026, 1, 1))
    assert rate["rate"] == Decimal("0.86213457")
