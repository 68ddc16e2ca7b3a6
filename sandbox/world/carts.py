"""Shopify's abandoned checkouts: carts left before paying, some of them completed later."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from sandbox.world.commerce import (
    NEWEST_CHANGE_DAYS,
    ORDER_WINDOW_DAYS,
    cents,
    days_ago,
    order_document,
)
from sandbox.world.model import Document, World
from sandbox.world.records import Written
from sandbox.world.refunds import in_cents

CARTS_PER_CUSTOMER = 0.25
COMPLETED_SHARE = 0.3
MEAN_HOURS_TO_ORDER = 14.0
MAX_LINES = 3
TABLE = "shopify.abandoned_checkouts"
COPIED = ("customer_id", "currency_code", "total_price", "subtotal_price", "line_items")


def add_carts(world: World, rng: np.random.Generator, written: Written, ids: list[str]) -> None:
    """Fill `shopify.abandoned_checkouts`, oldest first; a completed one is an order's cart."""
    count = round(len(ids) * CARTS_PER_CUSTOMER)
    carts = _completed(world, rng, round(count * COMPLETED_SHARE))
    carts += _left(world, rng, written, ids, count - len(carts))
    carts.sort(key=lambda cart: cart["created_at"])
    for cart_id, cart in zip(world.next_ids("shopify", len(carts)), carts, strict=True):
        world.tables[TABLE][cart_id] = {"name": f"#{cart_id}", **cart}


def _completed(world: World, rng: np.random.Generator, count: int) -> list[Document]:
    """Carts of orders on the web, each begun some hours before its order."""
    orders = [
        order for order in world.tables["shopify.orders"].values() if order["source_name"] == "web"
    ]
    picked = rng.permutation(len(orders))[:count].tolist()
    hours = rng.exponential(MEAN_HOURS_TO_ORDER, len(picked)).tolist()
    carts = []
    for place, waited in zip(picked, hours, strict=True):
        order = orders[place]
        ordered_at = order["created_at"]
        begun_at = ordered_at - timedelta(seconds=60 + int(waited * 3600))
        customer = world.tables["shopify.customers"][order["customer_id"]]
        begun_at = min(ordered_at, max(begun_at, customer["created_at"]))
        carts.append(_cart(order, begun_at, ordered_at, ordered_at))
    return carts


def _left(
    world: World, rng: np.random.Generator, written: Written, ids: list[str], count: int
) -> list[Document]:
    """Carts that nothing came of."""
    customers = rng.integers(0, len(ids), count).tolist() if ids else []
    reach = np.minimum(written.created_days[customers], ORDER_WINDOW_DAYS)
    ages = np.maximum(NEWEST_CHANGE_DAYS, reach * (0.001 + 0.998 * rng.random(len(customers))))
    begun = days_ago(world.now, ages)
    # The last touch of a cart is within hours of its beginning.
    touched = days_ago(world.now, np.maximum(NEWEST_CHANGE_DAYS, ages - rng.random(len(ages)) / 6))
    products = list(world.tables["shopify.products"].items())
    lines = rng.integers(1, MAX_LINES + 1, len(customers)).tolist()
    picks = rng.integers(0, len(products), (len(customers), MAX_LINES)).tolist()
    line_ids = iter(world.next_ids("shopify", sum(lines)))
    carts = []
    for place, customer in enumerate(customers):
        chosen = [
            (products[pick], 1 + (place + pick) % 2, next(line_ids))
            for pick in picks[place][: lines[place]]
        ]
        content = order_document(chosen, percent=0, fate=0.5, customer_id=ids[customer])
        carts.append(_cart(content, begun[place], None, max(begun[place], touched[place])))
    return carts


def _cart(
    content: Document, begun_at: datetime, completed_at: datetime | None, updated_at: datetime
) -> Document:
    return {
        **{name: content[name] for name in COPIED},
        "completed_at": completed_at,
        "created_at": begun_at,
        "updated_at": updated_at,
        "archived_at": None,
        "person_id": None,
    }


def abandon_now(
    world: World, rng: np.random.Generator, customers: list[str], count: int
) -> Iterator[str]:
    """Let `count` random customers leave a cart now; yields the carts' identifiers."""
    products = list(world.tables["shopify.products"].items())
    for place in rng.integers(0, len(customers), count).tolist():
        pick = int(rng.integers(0, len(products)))
        chosen = [(products[pick], 1, world.next_id("shopify"))]
        content = order_document(chosen, percent=0, fate=0.5, customer_id=customers[place])
        cart_id, moment = world.next_id("shopify"), world.clock()
        cart = _cart(content, moment, None, moment)
        world.upsert(TABLE, cart_id, {"name": f"#{cart_id}", **cart}, at=moment)
        yield cart_id


def add_line_now(world: World, rng: np.random.Generator, cart_id: str) -> None:
    """Put one more thing into a cart that is open."""
    cart = world.tables[TABLE][cart_id]
    products = list(world.tables["shopify.products"].items())
    chosen = [(products[int(rng.integers(0, len(products)))], 1, world.next_id("shopify"))]
    more = order_document(chosen, percent=0, fate=0.5)
    amounts = {
        name: cents(in_cents(cart[name]) + in_cents(more["subtotal_price"]))
        for name in ("total_price", "subtotal_price")
    }
    world.upsert(
        TABLE, cart_id, {"line_items": [*cart["line_items"], *more["line_items"]], **amounts}
    )


def complete_with(world: World, order: dict[str, Any]) -> Iterator[str]:
    """A customer who orders has completed the carts left open; yields the carts' identifiers."""
    for cart_id in list(world.find(TABLE, "customer_id", order["customer_id"])):
        if world.tables[TABLE][cart_id]["completed_at"] is None:
            moment = order["created_at"]
            world.upsert(TABLE, cart_id, {"completed_at": moment}, at=moment)
            yield cart_id
