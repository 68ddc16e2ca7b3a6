"""Refunds of Shopify's orders: what was given back, in one to three parts, never more than that."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np

from sandbox.world.commerce import cents
from sandbox.world.model import Document, World

PARTS = (1, 2, 3)
PART_SHARES = (0.7, 0.2, 0.1)
NOTES = ("Arrived damaged", "Not as described", "Changed mind", "Wrong size", None, None)
REFUNDED_SHARE = (0.2, 0.9)
"""Least and largest share of its total that an order refunded while the world runs gives back."""


def add_refunds(world: World, rng: np.random.Generator) -> None:
    """Split what each order of `shopify.orders` gave back into its `refunds`, oldest first."""
    refunded = [
        order
        for order in world.tables["shopify.orders"].values()
        if order["total_refunded"] != "0.00"
    ]
    parts = rng.choice(PARTS, len(refunded), p=PART_SHARES).tolist()
    cuts = rng.random((len(refunded), 4)).tolist()
    ids = iter(world.next_ids("shopify", sum(parts)))
    for order, count, drawn in zip(refunded, parts, cuts, strict=True):
        amounts = _split(in_cents(order["total_refunded"]), sorted(drawn[: count - 1]))
        times = _times(order["created_at"], order["updated_at"], sorted(drawn[2 : count + 1]))
        reason = int(drawn[3] * 600)
        order["refunds"] = [
            _refund(next(ids), moment, amount, NOTES[(reason + place) % len(NOTES)])
            for place, (amount, moment) in enumerate(
                zip(amounts, times[-len(amounts) :], strict=True)
            )
        ]


def refund_now(
    world: World, rng: np.random.Generator, orders: list[str], count: int
) -> Iterator[str]:
    """Give part of `count` random paid orders back now; yields the orders' identifiers."""
    table = world.tables["shopify.orders"]
    paid = [key for key in orders if table[key]["financial_status"] == "PAID"]
    drawn = rng.permutation(len(paid))[:count].tolist()
    low, high = REFUNDED_SHARE
    for place in drawn:
        order_id = paid[place]
        order, moment = table[order_id], world.clock()
        total = in_cents(order["total_price"])
        amount = int(total * (low + (high - low) * rng.random()))
        if amount <= 0:
            continue
        note = NOTES[int(rng.integers(0, len(NOTES)))]
        refund = _refund(world.next_id("shopify"), moment, amount, note)
        changes = {
            "refunds": [*order["refunds"], refund],
            "total_refunded": cents(in_cents(order["total_refunded"]) + amount),
            "financial_status": "PARTIALLY_REFUNDED",
        }
        world.upsert("shopify.orders", order_id, changes, at=moment)
        yield order_id


def in_cents(amount: str) -> int:
    """Cents of an amount with two decimals."""
    whole, _, part = amount.partition(".")
    return int(whole) * 100 + int(part)


def _refund(refund_id: str, moment: datetime, amount: int, note: str | None) -> Document:
    return {"id": refund_id, "created_at": moment, "amount": cents(amount), "note": note}


def _split(total: int, cuts: list[float]) -> list[int]:
    """Parts of at least a cent each where there are enough, all of `total` together."""
    edges = [0, *(int(total * cut) for cut in cuts), total]
    parts = [stop - start for start, stop in pairwise(edges)]
    return [part for part in parts if part > 0]


def _times(start: datetime, stop: datetime, shares: list[float]) -> list[datetime]:
    """Times between the order and its last change; the last refund is that change."""
    seconds = (stop - start).total_seconds()
    return [*(start + timedelta(seconds=int(seconds * share)) for share in shares), stop]
