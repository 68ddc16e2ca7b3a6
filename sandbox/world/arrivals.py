"""What arrives while the world runs: orders placed now, and people nobody knew before."""

from collections.abc import Iterator

import numpy as np

from sandbox.world import campaigns, commerce, crm, marketing
from sandbox.world.model import Document, World
from sandbox.world.people import People, draw_people
from sandbox.world.records import Written, write_down

Touched = tuple[str, str]
"""Table and identifier."""


def add_orders_now(
    world: World, rng: np.random.Generator, customers: list[str], count: int
) -> Iterator[Touched]:
    """Let `count` random customers order now; their own record and count follow."""
    if count == 0:
        return
    drawn = rng.integers(0, len(customers), count).tolist()
    names = len(world.tables["shopify.orders"])
    products = list(world.tables["shopify.products"].items())
    for position, place in enumerate(drawn):
        customer_id = customers[place]
        customer = world.tables["shopify.customers"][customer_id]
        chosen = [
            (products[int(rng.integers(0, len(products)))], 1, world.next_id("shopify"))
            for _ in range(1 + position % 3)
        ]
        moment = world.clock()
        order_id = world.next_id("shopify")
        order = commerce.order_document(
            chosen,
            percent=0,
            fate=0.5,
            name=f"#{1001 + names + position}",
            customer_id=customer_id,
            email=customer["email"],
            phone=customer["phone"],
            source_name="web",
            created_at=moment,
            processed_at=moment,
            updated_at=moment,
        )
        world.upsert("shopify.orders", order_id, order, at=moment)
        yield "shopify.orders", order_id
        spent = _in_cents(customer["amount_spent"]) + _in_cents(order["total_price"])
        world.upsert(
            "shopify.customers",
            customer_id,
            {
                "number_of_orders": customer["number_of_orders"] + 1,
                "amount_spent": commerce.cents(spent),
            },
            at=moment,
        )
        yield "shopify.customers", customer_id
        yield from _order_event(world, customer, order_id, order)


def _order_event(
    world: World, customer: Document, order_id: str, order: Document
) -> Iterator[Touched]:
    """Klaviyo hears of the order when it knows the e-mail."""
    profiles = world.find("klaviyo.profiles", "email", customer["email"] or "")
    if not profiles:
        return
    event_id, moment = world.next_id("klaviyo"), order["created_at"]
    event = {
        "profile_id": profiles[0],
        "metric_id": marketing.METRIC_IDS[3],
        "metric_name": marketing.METRICS[3],
        "datetime": moment,
        "event_properties": {"OrderId": order_id, "$value": float(order["total_price"])},
    }
    world.upsert("klaviyo.events", event_id, event, at=moment)
    yield "klaviyo.events", event_id
    world.upsert("klaviyo.profiles", profiles[0], {"last_event_date": moment}, at=moment)
    yield "klaviyo.profiles", profiles[0]


def send_campaign_now(world: World, rng: np.random.Generator, count: int) -> Iterator[Touched]:
    """Send a campaign now to `count` random subscribers, each of whom gets an event."""
    subscribers = [
        key for key, row in world.live("klaviyo.profiles") if row["email_consent"] == "SUBSCRIBED"
    ]
    drawn = rng.permutation(len(subscribers))[:count].tolist()
    if not drawn:
        return
    campaign_id, campaign = campaigns.send_now(world)
    yield campaigns.TABLE, campaign_id
    content = campaigns.content_of(campaign_id, campaign)
    for profile_id in (subscribers[place] for place in drawn):
        event_id, moment = world.next_id("klaviyo"), world.clock()
        event = {
            "profile_id": profile_id,
            "metric_id": marketing.METRIC_IDS[0],
            "metric_name": marketing.METRICS[0],
            "datetime": moment,
            "event_properties": content,
        }
        world.upsert("klaviyo.events", event_id, event, at=moment)
        yield "klaviyo.events", event_id
        world.upsert("klaviyo.profiles", profile_id, {"last_event_date": moment}, at=moment)
        yield "klaviyo.profiles", profile_id


def add_people_now(world: World, rng: np.random.Generator, count: int) -> Iterator[Touched]:
    """Add `count` new people to their systems, without orders yet."""
    if count == 0:
        return
    people = _fresh_emails(draw_people(rng, world.next_ids("person", count), 0.0))
    people.signup_days = np.full(count, 0.0)
    written = {
        system: write_down(rng, people, system, 0.0) for system in ("hubspot", "shopify", "klaviyo")
    }
    ids = {system: world.next_ids(system, len(rows)) for system, rows in written.items()}
    scratch = World(world.clock(), world.seed, count, 0.0)
    shopify_id_of = dict(zip(written["shopify"].person, ids["shopify"], strict=True))
    _fill(scratch, rng, people, written, ids, shopify_id_of)
    for table in ("shopify.customers", "hubspot.contacts", "klaviyo.profiles"):
        for record_id, document in scratch.tables[table].items():
            moment = world.clock()
            document["created_at"] = moment
            if table == "hubspot.contacts":
                document.update(createdate=moment, associatedcompanyid=None)
            world.upsert(table, record_id, document, at=moment)
            yield table, record_id


def _fill(
    scratch: World,
    rng: np.random.Generator,
    people: People,
    written: dict[str, Written],
    ids: dict[str, list[str]],
    shopify_id_of: dict[int, str],
) -> None:
    commerce.add_customers(scratch, rng, people, written["shopify"], ids["shopify"])
    crm.add_contacts(scratch, rng, people, written["hubspot"], ids["hubspot"], shopify_id_of)
    marketing.add_profiles(scratch, rng, people, written["klaviyo"], ids["klaviyo"], shopify_id_of)


def _fresh_emails(people: People) -> People:
    """Addresses that nobody in the world has: the number of the person is part of them."""
    for position, email in enumerate(people.email):
        local, _, domain = email.partition("@")
        people.email[position] = f"{local}.{people.ids[position].lstrip('p0')}@{domain}"
    return people


def _in_cents(amount: str) -> int:
    return round(float(amount) * 100)
