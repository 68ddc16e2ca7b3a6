"""Klaviyo's tables: metrics, lists, profiles, list members and events."""

from datetime import datetime

import numpy as np

from sandbox.world.campaigns import DELIVERY_DAYS, FLOW, FLOW_SHARE, Sends, next_send
from sandbox.world.commerce import days_ago
from sandbox.world.consent import klaviyo_consents
from sandbox.world.crm import COUNTRY_NAMES
from sandbox.world.model import Document, World
from sandbox.world.people import People
from sandbox.world.records import Written

METRICS = (
    "Received Email",
    "Opened Email",
    "Clicked Email",
    "Placed Order",
    "Subscribed to List",
    "Received SMS",
    "Clicked SMS",
)
METRIC_IDS = ("RcvEm1", "OpnEm2", "ClkEm3", "PlcOr4", "SubLi5", "RcvSm6", "ClkSm7")
LISTS = {"NwLt01": "Newsletter", "VipC02": "VIP customers", "PrOf03": "Private offers"}
RECEIVED_PER_PROFILE = 3.1
EVENT_WINDOW_DAYS = 270.0
TEXTED_SHARE = 0.8
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
    sends: dict[str, Sends],
) -> None:
    """Fill `klaviyo.events`, oldest first: messages with what followed, and recent orders."""
    contents = [*sends["email"].contents, FLOW, *sends["sms"].contents]
    received = rng.poisson(RECEIVED_PER_PROFILE, len(ids))
    profile = np.repeat(np.arange(len(ids)), received)
    reach = np.minimum(written.created_days[profile], EVENT_WINDOW_DAYS)
    days = (0.001 + 0.999 * rng.random(len(profile))) * reach
    message, days = _e_mails(rng, sends["email"], days)
    opened = np.flatnonzero(rng.random(len(profile)) < OPENED_SHARE)
    clicked = opened[rng.random(len(opened)) < CLICKED_SHARE / OPENED_SHARE]
    texted, text, text_days = _text_messages(world, rng, sends["sms"], written, ids)
    followed = np.flatnonzero(rng.random(len(texted)) < CLICKED_SHARE)
    orders = _order_events(world, profile_of_customer)
    order_days = [(world.now - entry[1]).total_seconds() / 86_400 for entry in orders]
    number = {record_id: position for position, record_id in enumerate(ids)}
    buyers = np.array([number[entry[0]] for entry in orders], dtype=int)
    text = text + len(sends["email"].contents) + 1
    groups: list[tuple[int, np.ndarray, np.ndarray, np.ndarray]] = [
        (0, profile, days, message),
        (1, profile[opened], days[opened] * 0.99, message[opened]),
        (2, profile[clicked], days[clicked] * 0.985, message[clicked]),
        (3, buyers, np.array(order_days), len(contents) + np.arange(len(orders))),
        (5, texted, text_days, text),
        (6, texted[followed], text_days[followed] * 0.98, text[followed]),
    ]
    kinds = np.repeat([kind for kind, *_ in groups], [len(who) for _, who, *_ in groups])
    subject, ages, detail = (
        np.concatenate([group[place] for group in groups]) for place in (1, 2, 3)
    )
    order = np.argsort(-ages, kind="stable")
    contents += [properties for _, _, properties in orders]
    columns = (kinds[order], subject[order], ages[order], detail[order])
    _store_events(world, ids, columns, contents)


def _e_mails(
    rng: np.random.Generator, sends: Sends, ages: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Which message each e-mail is, and its age: of the campaign that came next, or of the flow."""
    message = next_send(sends, ages)
    message[rng.random(len(ages)) < FLOW_SHARE] = -1
    delay = DELIVERY_DAYS * rng.random(len(ages))
    is_flow = message < 0
    days = np.where(is_flow, ages, sends.ages[message] - delay)
    return np.where(is_flow, len(sends.ages), message), days


def _text_messages(
    world: World, rng: np.random.Generator, sends: Sends, written: Written, ids: list[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Who got which campaign by SMS, and its age: subscribers who were there when it was sent."""
    profiles = world.tables["klaviyo.profiles"]
    subscribed = [
        place for place, key in enumerate(ids) if profiles[key]["sms_consent"] == "SUBSCRIBED"
    ]
    who = np.repeat(np.array(subscribed, dtype=int), len(sends.ages))
    text = np.tile(np.arange(len(sends.ages)), len(subscribed))
    reached = written.created_days[who] > sends.ages[text]
    reached &= rng.random(len(who)) < TEXTED_SHARE
    who, text = who[reached], text[reached]
    return who, text, sends.ages[text] - DELIVERY_DAYS * rng.random(len(who))


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
    contents: list[Document],
) -> None:
    """Make the documents; the properties of one message are one shared, never changed object."""
    kinds, subject, ages, detail = columns
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
            "event_properties": contents[what],
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
