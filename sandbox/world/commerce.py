"""Shopify's tables: products, customers and eighteen months of orders with season and churn."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from sandbox.world.consent import shopify_consents
from sandbox.world.model import Document, World
from sandbox.world.people import People
from sandbox.world.records import Written

ORDER_WINDOW_DAYS = 548
PRODUCT_COUNT = 120
BUYER_SHARE = 0.8
MEAN_LIFETIME_DAYS = 1_000.0
MEAN_DAYS_BETWEEN_ORDERS = 90.0
SEASON = (0.9, 0.9, 1.0, 1.0, 1.05, 1.0, 0.72, 0.68, 1.0, 1.05, 1.6, 1.75)
"""Weight of each month, January first."""
CATEGORIES = ("Tea", "Coffee", "Chocolate", "Ceramics", "Glassware", "Textiles", "Gifts", "Books")
ADJECTIVES = ("Alpine", "Classic", "Organic", "Little", "Grand", "Noble", "Winter", "Summer")
NOUNS = ("Selection", "Box", "Edition", "Set", "Blend", "Collection", "Duo", "Reserve")
MAX_LINES = 5
NEWEST_CHANGE_DAYS = 0.003
"""Nothing was changed in the last minutes before the world began."""


def days_ago(now: datetime, days: np.ndarray) -> list[datetime]:
    """Times so many days before `now`, to the second."""
    return [now - timedelta(seconds=seconds) for seconds in (days * 86_400).astype(int).tolist()]


def cents(amount: int) -> str:
    """Money as text with two decimals."""
    return f"{amount // 100}.{amount % 100:02d}"


@dataclass
class Baskets:
    """All orders, oldest first; `customer` is a position in the Shopify records."""

    customer: np.ndarray
    days: np.ndarray


def add_products(world: World, rng: np.random.Generator) -> None:
    """Fill `shopify.products` with their variants."""
    ids = world.next_ids("shopify", PRODUCT_COUNT)
    created = days_ago(world.now, 900 + 300 * rng.random(PRODUCT_COUNT))
    updated = days_ago(world.now, 1 + 400 * rng.random(PRODUCT_COUNT))
    price = np.clip(np.exp(rng.normal(3.3, 0.7, PRODUCT_COUNT)), 6, 240)
    for position, record_id in enumerate(ids):
        kind = CATEGORIES[position % len(CATEGORIES)]
        title = f"{ADJECTIVES[position // 8 % 8]} {kind} {NOUNS[position // 15 % 8]}"
        base = int(price[position]) * 100 + 90
        variants = [
            {
                "id": variant_id,
                "sku": f"{kind[:3].upper()}-{position:03d}-{size}",
                "title": size,
                "price": cents(int(base * factor)),
            }
            for variant_id, size, factor in zip(
                world.next_ids("shopify", 1 + position % 3), "SML", (1, 1.5, 2.2), strict=False
            )
        ]
        world.tables["shopify.products"][record_id] = {
            "title": title,
            "handle": f"{title.lower().replace(' ', '-')}-{position}",
            "vendor": "Maison Accord",
            "product_type": kind,
            "status": "ACTIVE" if position % 20 else "ARCHIVED",
            "variants": variants,
            "created_at": created[position],
            "updated_at": updated[position],
            "archived_at": None,
            "person_id": None,
        }


def draw_baskets(world: World, rng: np.random.Generator, written: Written) -> Baskets:
    """When each customer ordered: once, then again at a rate of one's own, until churn."""
    count = len(written)
    signup = written.created_days
    is_buyer = (rng.random(count) < BUYER_SHARE) & ~np.array(written.is_duplicate)
    lifetime = rng.exponential(MEAN_LIFETIME_DAYS, count)
    rate = rng.gamma(1.6, 1.0 / (1.6 * MEAN_DAYS_BETWEEN_ORDERS), count)
    start = np.minimum(signup, ORDER_WINDOW_DAYS)
    stop = np.minimum(np.maximum(signup - lifetime, 0.01), start)
    repeats = rng.poisson(rate * (start - stop))
    repeats[~is_buyer] = 0
    customer = np.repeat(np.arange(count), repeats)
    cumulative, grid = _season(world.now)
    low = np.interp(-start[customer], grid, cumulative)
    high = np.interp(-stop[customer], grid, cumulative)
    drawn = -np.interp(low + rng.random(len(customer)) * (high - low), cumulative, grid)
    firsts = np.flatnonzero(is_buyer & (signup < ORDER_WINDOW_DAYS))
    customer = np.concatenate([customer, firsts])
    days = np.concatenate([drawn, signup[firsts] * 0.999])
    order = np.argsort(-days, kind="stable")
    return Baskets(customer[order], np.maximum(days[order], 0.004))


def _season(now: datetime) -> tuple[np.ndarray, np.ndarray]:
    """Cumulative weight of the days up to now, and those days as negative ages."""
    ages = np.arange(ORDER_WINDOW_DAYS, -1, -1)
    weights = [SEASON[(now - timedelta(days=int(age))).month - 1] for age in ages]
    return np.concatenate([[0.0], np.cumsum(weights[1:])]), -ages.astype(float)


def add_orders(
    world: World, rng: np.random.Generator, written: Written, ids: list[str], baskets: Baskets
) -> None:
    """Fill `shopify.orders`, oldest first."""
    count = len(baskets.customer)
    lines = np.minimum(1 + rng.poisson(0.9, count), MAX_LINES).tolist()
    catalogue = list(world.tables["shopify.products"].items())
    weights = 1.0 / (np.arange(len(catalogue)) + 5.0)
    picks = rng.choice(len(catalogue), int(sum(lines)), p=weights / weights.sum()).tolist()
    quantities = np.minimum(1 + rng.poisson(0.25, len(picks)), 6).tolist()
    discount = np.where(rng.random(count) < 0.2, rng.choice([5, 10, 15, 20], count), 0).tolist()
    fate = rng.random(count).tolist()
    created = days_ago(world.now, baskets.days)
    settled = days_ago(world.now, _settled_days(baskets.days, rng.random(count)))
    line_ids = iter(world.next_ids("shopify", len(picks)))
    table, used = world.tables["shopify.orders"], 0
    numbered = enumerate(
        zip(world.next_ids("shopify", count), baskets.customer.tolist(), strict=True)
    )
    for position, (order_id, customer) in numbered:
        stop = used + lines[position]
        chosen = [
            (catalogue[picks[place]], quantities[place], next(line_ids))
            for place in range(used, stop)
        ]
        used = stop
        moment, until = created[position], settled[position]
        document = order_document(
            chosen,
            percent=discount[position],
            fate=fate[position],
            name=f"#{1001 + position}",
            customer_id=ids[customer],
            email=written.email[customer],
            phone=written.phone[customer],
            source_name="web" if position % 9 else "pos",
            created_at=moment,
            processed_at=moment,
            updated_at=until,
        )
        if document["financial_status"] == "VOIDED":
            document["cancelled_at"] = until
        table[order_id] = document


def _settled_days(ordered_days: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Ages at which orders got their final state: one to ten days later, at any time since if new.

    No two new orders share a time: whoever reads on from the newest one reads little again.
    """
    settled = ordered_days - 1 - 9 * chance
    since = NEWEST_CHANGE_DAYS + (ordered_days - NEWEST_CHANGE_DAYS) * chance
    return np.where(settled < NEWEST_CHANGE_DAYS, since, settled)


def order_document(
    chosen: list[tuple[tuple[str, Document], int, str]],
    *,
    percent: int,
    fate: float,
    **fields: object,
) -> Document:
    """One order.

    Args:
        chosen: product (identifier and document), quantity and line identifier of each line.
        percent: discount.
        fate: between 0 and 1; decides on cancelling and refunding.
        fields: name, customer and times.
    """
    items, subtotal = _lines(chosen, percent)
    return {
        **_money(subtotal, items, fate),
        "currency_code": "EUR",
        "line_items": items,
        "refunds": [],
        "cancelled_at": None,
        "archived_at": None,
        "person_id": None,
        **fields,
    }


def _lines(
    chosen: list[tuple[tuple[str, Document], int, str]], percent: int
) -> tuple[list[Document], int]:
    """Line items, and what they cost in cents before the discount."""
    items, subtotal = [], 0
    for (product_id, product), quantity, line_id in chosen:
        variants = product["variants"]
        variant = variants[int(line_id) // 32_768 % len(variants)]
        whole, _, part = variant["price"].partition(".")
        price = int(whole) * 100 + int(part)
        subtotal += price * quantity
        items.append(
            {
                "id": line_id,
                "title": product["title"],
                "quantity": quantity,
                "sku": variant["sku"],
                "productId": product_id,
                "variantId": variant["id"],
                "unitPrice": variant["price"],
                "discountedTotal": cents(price * quantity * (100 - percent) // 100),
            }
        )
    return items, subtotal


def _money(subtotal: int, items: list[Document], fate: float) -> Document:
    """Amounts and states of one order; `fate` (0 to 1) decides on cancelling and refunding."""
    discounted = 0
    for item in items:
        whole, _, part = item["discountedTotal"].partition(".")
        discounted += int(whole) * 100 + int(part)
    shipping = 0 if discounted >= 6_000 else 590
    total = discounted + shipping
    refunded, financial, fulfilment = 0, "PAID", "FULFILLED"
    if fate < 0.025:
        refunded, financial, fulfilment = total, "VOIDED", "UNFULFILLED"
    elif fate < 0.05:
        refunded, financial = total, "REFUNDED"
    elif fate < 0.08:
        refunded, financial = discounted // 2, "PARTIALLY_REFUNDED"
    elif fate < 0.1:
        financial, fulfilment = "PENDING", "UNFULFILLED"
    return {
        "total_price": cents(total),
        "subtotal_price": cents(discounted),
        "total_tax": cents(discounted - round(discounted / 1.2)),
        "total_shipping": cents(shipping),
        "total_discounts": cents(subtotal - discounted),
        "total_refunded": cents(refunded),
        "financial_status": financial,
        "fulfillment_status": fulfilment,
    }


def add_customers(
    world: World,
    rng: np.random.Generator,
    people: People,
    written: Written,
    ids: list[str],
) -> None:
    """Fill `shopify.customers`; order counts and spending follow from the orders."""
    orders: dict[str, int] = {}
    spent: dict[str, int] = {}
    latest: dict[str, datetime] = {}
    for order in world.tables["shopify.orders"].values():
        who = order["customer_id"]
        orders[who] = orders.get(who, 0) + 1
        spent[who] = spent.get(who, 0) + int(order["total_price"].replace(".", ""))
        latest[who] = order["updated_at"]
    created = days_ago(world.now, written.created_days)
    updated = days_ago(world.now, written.updated_days)
    consents = shopify_consents(rng, people, written, created, world.noise)
    table = world.tables["shopify.customers"]
    for position, record_id in enumerate(ids):
        who = written.person[position]
        country = people.country[who]
        table[record_id] = {
            "first_name": written.first[position],
            "last_name": written.last[position],
            "email": written.email[position],
            "phone": written.phone[position],
            **consents[position],
            "address1": people.address[who],
            "city": people.city[who],
            "zip": people.zip_code[who],
            "country_code": country,
            "state": "ENABLED" if position % 3 else "DISABLED",
            "number_of_orders": orders.get(record_id, 0),
            "amount_spent": cents(spent.get(record_id, 0)),
            "amount_spent_currency": "EUR",
            "locale": {"FR": "fr", "CH": "fr-CH", "DE": "de", "GB": "en"}[country],
            "tags": ["newsletter"] if position % 5 == 0 else [],
            "verified_email": position % 7 != 0,
            "created_at": created[position],
            "updated_at": max(updated[position], latest.get(record_id, updated[position])),
            "archived_at": None,
            "person_id": people.ids[who],
        }
