"""Shopify's subscription contracts: who is billed for what, and how often."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np

from sandbox.world.commerce import NEWEST_CHANGE_DAYS, ORDER_WINDOW_DAYS, days_ago, order_document
from sandbox.world.model import Document, World
from sandbox.world.records import Written

CONTRACT_SHARE = 0.05
PERCENT_OFF = 10
TABLE = "shopify.subscription_contracts"
STATUSES = ("ACTIVE", "PAUSED", "CANCELLED", "EXPIRED", "FAILED")
STATUS_SHARES = (0.62, 0.08, 0.2, 0.05, 0.05)
INTERVALS = (("MONTH", 1), ("MONTH", 2), ("WEEK", 2), ("YEAR", 1))
INTERVAL_SHARES = (0.55, 0.2, 0.15, 0.1)
DAYS = {"DAY": 1, "WEEK": 7, "MONTH": 30, "YEAR": 365}
NEXT_STATUS = {"ACTIVE": ("PAUSED", "CANCELLED", "FAILED"), "PAUSED": ("ACTIVE", "CANCELLED")}


def add_contracts(world: World, rng: np.random.Generator, written: Written, ids: list[str]) -> None:
    """Fill `shopify.subscription_contracts`, oldest first; a customer has one at most."""
    originals = np.flatnonzero(~np.array(written.is_duplicate, dtype=bool))
    count = min(len(originals), round(len(ids) * CONTRACT_SHARE))
    customers = rng.permutation(originals)[:count]
    ages = np.minimum(written.created_days[customers], ORDER_WINDOW_DAYS) * rng.random(count)
    ages = np.maximum(ages, NEWEST_CHANGE_DAYS)
    oldest = np.argsort(-ages, kind="stable")
    customers, ages = customers[oldest].tolist(), ages[oldest]
    status = rng.choice(STATUSES, count, p=STATUS_SHARES).tolist()
    interval = rng.choice(len(INTERVALS), count, p=INTERVAL_SHARES).tolist()
    ended = days_ago(
        world.now, NEWEST_CHANGE_DAYS + (ages - NEWEST_CHANGE_DAYS) * rng.random(count)
    )
    begun = days_ago(world.now, ages)
    products = list(world.tables["shopify.products"].items())
    picks = rng.integers(0, len(products), (count, 2)).tolist()
    for place, contract_id in enumerate(world.next_ids("shopify", count)):
        unit, number = INTERVALS[interval[place]]
        length = timedelta(days=DAYS[unit] * number)
        chosen = [
            (products[pick], 1 + pick % 2, line_id)
            for pick, line_id in zip(
                picks[place][: 1 + place % 2],
                world.next_ids("shopify", 1 + place % 2),
                strict=True,
            )
        ]
        is_active = status[place] == "ACTIVE"
        billed_at = _last_billing(begun[place], world.now, length)
        world.tables[TABLE][contract_id] = {
            "customer_id": ids[customers[place]],
            "status": status[place],
            "currency_code": "EUR",
            "billing_interval": unit,
            "billing_interval_count": number,
            "next_billing_at": billed_at + length if is_active else None,
            "lines": order_document(chosen, percent=PERCENT_OFF, fate=0.5)["line_items"],
            "created_at": begun[place],
            "updated_at": billed_at if is_active else max(begun[place], ended[place]),
            "archived_at": None,
            "person_id": None,
        }


def _last_billing(begun_at: datetime, now: datetime, length: timedelta) -> datetime:
    return begun_at + (now - begun_at) // length * length


def change_contracts_now(world: World, rng: np.random.Generator, count: int) -> Iterator[str]:
    """Let `count` random running or paused contracts change their state; yields identifiers."""
    running = [key for key, row in world.live(TABLE) if row["status"] in NEXT_STATUS]
    for place in rng.permutation(len(running))[:count].tolist():
        contract_id = running[place]
        contract = world.tables[TABLE][contract_id]
        choices = NEXT_STATUS[contract["status"]]
        status = choices[int(rng.integers(0, len(choices)))]
        moment = world.clock()
        changes = {"status": status, "next_billing_at": _next_billing(contract, status, moment)}
        world.upsert(TABLE, contract_id, changes, at=moment)
        yield contract_id


def _next_billing(contract: Document, status: str, moment: datetime) -> datetime | None:
    if status != "ACTIVE":
        return None
    days = DAYS[contract["billing_interval"]] * contract["billing_interval_count"]
    return moment + timedelta(days=days)
