"""Loads of all systems drawn from a seed: the same records, whichever warehouse takes them in.

The second wave changes, deletes and joins what the first one landed, and brings records whose
source time lies before that of what is landed already.
"""

from tests.support.draw import PEOPLE, Draw
from tests.support.drawn_activity import (
    answer,
    cart,
    cost,
    event,
    order,
    product,
    rate,
    subscription,
    ticket,
)
from tests.support.drawn_people import company, contact, profile, shopper

Load = tuple[str, str, list[dict]]


def waves(seed: int = 7) -> tuple[list[Load], list[Load]]:
    """The loads of a first build, and those of the one after it."""
    draw = Draw(seed)
    people = range(PEOPLE)
    first: list[Load] = [
        ("hubspot", "contacts", [contact(draw, n) for n in people if n % 5]),
        ("hubspot", "companies", [company(draw, n) for n in (1, 2)]),
        ("shopify", "customers", [shopper(draw, n) for n in people if n % 3 == 0]),
        ("klaviyo", "profiles", [profile(draw, n) for n in people if n % 2]),
        ("shopify", "products", [product(draw, n) for n in (1, 2)]),
        ("shopify", "orders", [order(draw, n) for n in range(150)]),
        ("klaviyo", "events", [event(draw, n) for n in range(200)]),
        ("klaviyo", "campaigns", [{"id": "m1", "name": "Spring", "channel": "email"}]),
        ("shopify", "abandoned_checkouts", [cart(draw, n) for n in range(60)]),
        ("shopify", "subscription_contracts", [subscription(draw, n) for n in range(40)]),
        ("hubspot", "tickets", [ticket(draw, n) for n in range(60)]),
        ("hubspot", "feedback_submissions", [answer(draw, n) for n in range(60)]),
        ("reference", "exchange_rates", [rate(draw, "USD", on) for on in range(30, 290, 7)]),
        ("reference", "costs", [cost(draw, n) for n in range(12)]),
    ]
    second: list[Load] = [
        # Older and newer versions of the same records, and the people who were missing.
        ("hubspot", "contacts", [contact(draw, n) | {"at": draw.at(100, 290)} for n in people]),
        ("shopify", "customers", [shopper(draw, n) | {"at": draw.at(100, 290)} for n in people]),
        ("klaviyo", "profiles", [profile(draw, n) | {"at": draw.at(100, 290)} for n in people]),
        ("shopify", "orders", [order(draw, n) | {"at": draw.at(270, 310)} for n in range(20, 60)]),
        (
            "shopify",
            "orders",
            [{"id": f"o{n}", "deleted": True, "at": draw.at(311, 320)} for n in (1, 2)],
        ),
        ("hubspot", "contacts", [{"id": "h7", "deleted": True, "at": draw.at(291, 292)}]),
        ("klaviyo", "events", [event(draw, n) for n in range(150, 230)]),
        ("shopify", "abandoned_checkouts", [cart(draw, n) | {"at": draw.at()} for n in range(80)]),
        ("hubspot", "tickets", [ticket(draw, n) | {"at": draw.at()} for n in range(80)]),
        ("reference", "exchange_rates", [rate(draw, "USD", on) for on in (0, 44, 200, 201)]),
        ("reference", "exchange_rates", [rate(draw, "GBP", on) for on in range(0, 290, 30)]),
    ]
    return first, second
