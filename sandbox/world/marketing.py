"""Klaviyo's tables: metrics, lists, profiles, list members and events."""

from datetime import datetime

import numpy as np

from sandbox.world.commerce import days_ago
from sandbox.world.consent import klaviyo_consents
from sandbox.world.crm import COUNTRY_NAMES
from sandbox.world.model import Document, World
from sandbox.world.people import People
from sandbox.world.records import Written

METRICS = ("Received Email", "Opened Email", "Clicked Email", "Placed Order", "Subscribed to List")
METRIC_IDS = ("RcvEm1", "OpnEm2", "ClkEm3", "PlcOr4", "SubLi5")
LISTS = {"NwLt01": "Newsletter", "VipC02": "VIP customers", "PrOf03": "Private offers"}
CAMPAIGNS = 24
RECEIVED_PER_PROFILE = 3.1
EVENT_WINDOW_DAYS = 270.0
OPENED_SHARE, CLICKED_SHARE = 0.36, 0.09
ORDER_EVENT_DAYS = 365.0


def add_profiles(
    world: World,
    rng: np.random.Generator,
    people: People,
    written: Written,
    ids: list[str],
    shopify_id_of: dict[int, str],
) -> None:
    """Fill `klaviyo.profiles`; `shopify_id_of` maps a person's position to the Shopify customer."""
    created = days_ago(world.now, written.created_days)
    updated = days_ago(world.now, written.updated_days)
    consents = klaviyo_consents(rng, people, written, created, world.noise)
    table = world.tables["klaviyo.profiles"]
    for position, record_id in enumerate(ids):
        who = written.person[position]
        linked = people.has_external_id[who] and not written.is_duplicate[position]
        table[record_id] = {
            "email": written.email[position],
            "phone_number": written.phone[position],
            "external_id": shopify_id_of.get(who) if linked else None,
            "first_name": written.first[position],
            "last_name": written.last[position],
            "organization": people.company[who] if position % 4 == 0 else None,
            "address1": people.address[who] if position % 3 else None,
            "city": people.city[who],
            "zip": people.zip_code[who] if position % 3 else None,
            "country": COUNTRY_NAMES[people.country[who]],
            **consents[position],
            "properties": {"source": "checkout"} if position % 2 else {},
            "last_event_date": None,
            "created_at": created[position],
            "updated_at": updated[position],
            "archived_at": None,
            "person_id": people.ids[who],
        }


def add_lists(world: World, rng: np.random.Generator, ids: list[str]) -> None:
    """Fill `klaviyo.metrics`, `klaviyo.lists` and `klaviyo.list_members`."""
    start = days_ago(world.now, np.array([1000.0]))[0]
    for metric_id, name in zip(METRIC_IDS, METRICS, strict=True):
        world.tables["klaviyo.metrics"][metric_id] = _plain(start, start, name=name)
    for list_id, name in LISTS.items():
        world.tables["klaviyo.lists"][list_id] = _plain(start, start, name=name)
    profiles = world.tables["klaviyo.profiles"]
    chance = rng.random(len(ids)).tolist()
    members = world.tables["klaviyo.list_members"]
    for position, profile_id in enumerate(ids):
        profile = profiles[profile_id]
        joins = []
        if profile["email_consent"] == "SUBSCRIBED":
            joins.append("NwLt01")
        if chance[position] < 0.04:
            joins.append("VipC02")
        for list_id in joins:
            moment = profile["created_at"]
            members[f"{list_id}:{profile_id}"] = _plain(
                moment, moment, list_id=list_id, profile_id=profile_id, joined_at=moment
            )


def add_events(
    world: World,
    rng: np.random.Generator,
    written: Written,
    ids: list[str],
    profile_of_customer: dict[str, str],
) -> None:
    """Fill `klaviyo.events`, oldest first: e-mails with what followed, and recent orders."""
    received = rng.poisson(RECEIVED_PER_PROFILE, len(ids))
    profile = np.repeat(np.arange(len(ids)), received)
    reach = np.minimum(written.created_days[profile], EVENT_WINDOW_DAYS)
    days = (0.001 + 0.999 * rng.random(len(profile))) * reach
    opened = np.flatnonzero(rng.random(len(profile)) < OPENED_SHARE)
    clicked = opened[rng.random(len(opened)) < CLICKED_SHARE / OPENED_SHARE]
    campaign = rng.integers(0, CAMPAIGNS, len(profile))
    orders = _order_events(world, profile_of_customer)
    number = {record_id: position for position, record_id in enumerate(ids)}
    kinds = np.repeat([0, 1, 2, 3], [len(profile), len(opened), len(clicked), len(orders)])
    subject = np.concatenate(
        [profile, profile[opened], profile[clicked], [number[entry[0]] for entry in orders]]
    ).astype(int)
    ages = np.concatenate(
        [
            days,
            days[opened] * 0.99,
            days[clicked] * 0.985,
            [(world.now - entry[1]).total_seconds() / 86_400 for entry in orders],
        ]
    )
    detail = np.concatenate(
        [campaign, campaign[opened], campaign[clicked], np.arange(len(orders))]
    ).astype(int)
    order = np.argsort(-ages, kind="stable")
    _store_events(world, ids, (kinds[order], subject[order], ages[order], detail[order]), orders)


def _order_events(
    world: World, profile_of_customer: dict[str, str]
) -> list[tuple[str, datetime, Document]]:
    found = []
    for order_id, order in world.tables["shopify.orders"].items():
        profile_id = profile_of_customer.get(order["customer_id"])
        age = (world.now - order["created_at"]).total_seconds() / 86_400
        if profile_id is not None and age < ORDER_EVENT_DAYS:
            properties = {"OrderId": order_id, "$value": float(order["total_price"])}
            found.append((profile_id, order["created_at"], properties))
    return found


def _store_events(
    world: World,
    ids: list[str],
    columns: tuple[np.ndarray, ...],
    orders: list[tuple[str, datetime, Document]],
) -> None:
    """Make the documents; the properties of one campaign are one shared, never changed object."""
    kinds, subject, ages, detail = columns
    campaigns = [
        {
            "Campaign Name": f"Campaign {number + 1:02d}",
            "Subject": f"News of the month {number + 1}",
        }
        for number in range(CAMPAIGNS)
    ]
    moments = days_ago(world.now, ages)
    table, profiles = world.tables["klaviyo.events"], world.tables["klaviyo.profiles"]
    rows = zip(
        world.next_ids("klaviyo", len(kinds)),
        kinds.tolist(),
        subject.tolist(),
        detail.tolist(),
        moments,
        strict=True,
    )
    for event_id, kind, who, what, moment in rows:
        profile_id = ids[who]
        table[event_id] = {
            "profile_id": profile_id,
            "metric_id": METRIC_IDS[kind],
            "metric_name": METRICS[kind],
            "datetime": moment,
            "event_properties": orders[what][2] if kind == 3 else campaigns[what],
            "created_at": moment,
            "updated_at": moment,
            "archived_at": None,
        }
        profile = profiles[profile_id]
        profile["last_event_date"] = moment
        if moment > profile["updated_at"]:
            profile["updated_at"] = moment


def _plain(created: datetime, updated: datetime, **fields: object) -> Document:
    return {**fields, "created_at": created, "updated_at": updated, "archived_at": None}
