"""What happens to a world: people change, data is spoilt and healed again, fields appear.

Every function returns what it did: counts by kind, and the identifiers touched by table.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sandbox.world.arrivals import add_orders_now, add_people_now, send_campaign_now
from sandbox.world.carts import abandon_now, complete_with
from sandbox.world.consent import BY_EMAIL, LEGAL_BASIS_WORDS
from sandbox.world.contracts import change_contracts_now
from sandbox.world.crm import MALFORMED_AMOUNT, MALFORMED_DATE
from sandbox.world.edits import (
    BY_FORM,
    BY_HAND,
    BY_IMPORT,
    BY_INTEGRATION,
    CRM_USERS,
    with_history,
)
from sandbox.world.model import PEOPLE_TABLES, Document, World
from sandbox.world.names import first_names, last_names
from sandbox.world.refunds import refund_now
from sandbox.world.service import (
    FEEDBACK,
    MALFORMED_SCORE,
    TICKETS,
    answer_now,
    close_tickets_now,
    open_tickets_now,
)

CORRUPTED_SHARE = 0.4
DRIFT_FIELD = "loyalty_tier"
DRIFT_SHARE = 0.5
CHANGE_KINDS = {"name": 0.3, "address": 0.1, "phone": 0.2, "email": 0.15, "consent": 0.2}
"""What changes of a record; the rest is deleted (HubSpot, Shopify) or renamed (Klaviyo)."""
ORDERS_PER_CHANGED_CUSTOMER = 0.5
NEW_PEOPLE_PER_CHANGED = 0.1
REFUNDS_PER_CHANGED_CUSTOMER = 0.1
CARTS_PER_CHANGED_CUSTOMER = 0.1
CONTRACTS_PER_CHANGED_CUSTOMER = 0.05
RECIPIENTS_PER_CHANGED_PROFILE = 0.2
TICKETS_PER_CHANGED_CONTACT = 0.1
ANSWERS_PER_CHANGED_CONTACT = 0.1
MALFORMED = (
    ("hubspot.contacts", "createdate", MALFORMED_DATE),
    ("hubspot.deals", "amount", MALFORMED_AMOUNT),
    ("hubspot.companies", "numberofemployees", "about 12"),
    ("hubspot.tickets", "createdate", MALFORMED_DATE),
    ("hubspot.feedback_submissions", "hs_value", MALFORMED_SCORE),
)
_HOW = (BY_INTEGRATION, BY_HAND, BY_FORM, BY_HAND, BY_INTEGRATION)
_NAMES = {"hubspot": ("firstname", "lastname"), "shopify": ("first_name", "last_name")}


@dataclass
class Changes:
    """Counts by kind of change, and identifiers by table."""

    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    ids: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def note(self, kind: str, table: str, record_id: str) -> None:
        """Count one change of one record."""
        self.counts[kind] += 1
        self.ids[table].append(record_id)

    def as_dict(self) -> dict[str, Any]:
        """Plain counts and identifiers."""
        ids = {table: list(dict.fromkeys(keys)) for table, keys in self.ids.items()}
        return {"counts": dict(self.counts), "ids": ids}


def mutate(world: World, fraction: float) -> Changes:
    """Let a share of the people's records change, some vanish, new orders and people arrive."""
    rng = next_rng(world)
    changes = Changes()
    for table in PEOPLE_TABLES:
        for record_id in _pick(world, rng, table, fraction):
            kind = str(rng.choice([*CHANGE_KINDS, "delete"], p=[*CHANGE_KINDS.values(), 0.05]))
            _change_one(world, rng, table, record_id, kind, changes)
    shoppers = [record_id for record_id, _ in world.live("shopify.customers")]
    orders = round(len(shoppers) * fraction * ORDERS_PER_CHANGED_CUSTOMER)
    if shoppers:
        for table, record_id in add_orders_now(world, rng, shoppers, orders):
            changes.note("order" if table == "shopify.orders" else "follow", table, record_id)
            if table == "shopify.orders":
                for cart_id in complete_with(world, world.tables[table][record_id]):
                    changes.note("cart_completed", "shopify.abandoned_checkouts", cart_id)
    newcomers = round(world.customers * fraction * NEW_PEOPLE_PER_CHANGED)
    for table, record_id in add_people_now(world, rng, newcomers):
        changes.note("new_person_record", table, record_id)
    _after_orders(world, rng, shoppers, len(shoppers) * fraction, changes)
    profiles = sum(1 for _ in world.live("klaviyo.profiles"))
    recipients = round(profiles * fraction * RECIPIENTS_PER_CHANGED_PROFILE)
    for table, record_id in send_campaign_now(world, rng, recipients):
        changes.note("follow" if table == "klaviyo.profiles" else "campaign", table, record_id)
    contacts = sum(1 for _ in world.live("hubspot.contacts"))
    _service(world, rng, contacts * fraction, changes)
    return changes


def _service(world: World, rng: np.random.Generator, changed: float, changes: Changes) -> None:
    """What goes on in the service: tickets are opened and closed, surveys answered."""
    tickets = round(changed * TICKETS_PER_CHANGED_CONTACT)
    for record_id in open_tickets_now(world, rng, tickets):
        changes.note("ticket_opened", TICKETS, record_id)
    for table, record_id in close_tickets_now(world, rng, tickets):
        changes.note("ticket_closed" if table == TICKETS else "survey", table, record_id)
    answers = round(changed * ANSWERS_PER_CHANGED_CONTACT)
    for record_id in answer_now(world, rng, answers):
        changes.note("survey", FEEDBACK, record_id)


def _after_orders(
    world: World, rng: np.random.Generator, shoppers: list[str], changed: float, changes: Changes
) -> None:
    """What else goes on in the shop: refunds, carts left, subscriptions that change their state."""
    placed = [record_id for record_id, _ in world.live("shopify.orders")]
    for record_id in refund_now(world, rng, placed, round(changed * REFUNDS_PER_CHANGED_CUSTOMER)):
        changes.note("refund", "shopify.orders", record_id)
    if shoppers:
        left = abandon_now(world, rng, shoppers, round(changed * CARTS_PER_CHANGED_CUSTOMER))
        for record_id in left:
            changes.note("cart_left", "shopify.abandoned_checkouts", record_id)
    count = round(changed * CONTRACTS_PER_CHANGED_CUSTOMER)
    for record_id in change_contracts_now(world, rng, count):
        changes.note("subscription", "shopify.subscription_contracts", record_id)


def corrupt(world: World, share: float = CORRUPTED_SHARE, *, newest: bool = False) -> Changes:
    """Break the meaning, not the types, of orders and contacts; `heal` puts it right again.

    Args:
        world: what is broken.
        share: part of the records, 0 to 1.
        newest: take the orders that were placed last, not any.
    """
    rng = next_rng(world)
    changes = Changes()
    orders = _pick(world, rng, "shopify.orders", share)
    if newest:
        orders = _placed_last(world, len(orders))
    for record_id in orders:
        total = world.tables["shopify.orders"][record_id]["total_price"]
        spoilt = {"total_price": f"-{total.lstrip('-')}", "currency_code": "XXX"}
        _spoil(world, "shopify.orders", record_id, spoilt)
        changes.note("order_total_and_currency", "shopify.orders", record_id)
    for position, record_id in enumerate(_pick(world, rng, "hubspot.contacts", share)):
        email = world.tables["hubspot.contacts"][record_id]["email"]
        wrong = None if position % 2 or email is None else email.replace("@", ".at.")
        _spoil(world, "hubspot.contacts", record_id, {"email": wrong})
        changes.note("contact_email", "hubspot.contacts", record_id)
    return changes


def malform(world: World, count: int) -> Changes:
    """Put values that break the type contract into `count` HubSpot records."""
    rng = next_rng(world)
    changes = Changes()
    living = {table: [key for key, _ in world.live(table)] for table, _, _ in MALFORMED}
    for position in range(count):
        table, name, value = MALFORMED[position % len(MALFORMED)]
        if not living[table]:
            table, name, value = MALFORMED[0]
        record_id = living[table].pop(int(rng.integers(0, len(living[table]))))
        _spoil(world, table, record_id, {name: value})
        changes.note("malformed", table, record_id)
    return changes


def heal(world: World) -> Changes:
    """Restore everything that `corrupt` and `malform` replaced."""
    changes = Changes()
    for (table, record_id), replaced in world.remembered.items():
        _write(world, table, record_id, replaced)
        changes.note("healed", table, record_id)
    world.remembered.clear()
    return changes


def add_unknown_field(world: World, name: str = DRIFT_FIELD) -> Changes:
    """Give half of the contacts and profiles a field that no contract knows."""
    rng = next_rng(world)
    changes = Changes()
    for table in ("hubspot.contacts", "klaviyo.profiles"):
        for position, record_id in enumerate(_pick(world, rng, table, DRIFT_SHARE)):
            world.upsert(table, record_id, {name: ("bronze", "silver", "gold")[position % 3]})
            changes.note("unknown_field", table, record_id)
    return changes


def next_rng(world: World) -> np.random.Generator:
    """Chance for one more change of the world, the same in every world of its seed."""
    world.mutations += 1
    return np.random.default_rng([world.seed, world.mutations])


def _placed_last(world: World, count: int) -> list[str]:
    placed = sorted(world.live("shopify.orders"), key=lambda order: order[1]["created_at"])
    return [record_id for record_id, _ in placed[len(placed) - count :]]


def _pick(world: World, rng: np.random.Generator, table: str, share: float) -> list[str]:
    living = [key for key in world.sorted_ids(table) if not world.tables[table][key]["archived_at"]]
    count = min(len(living), round(len(living) * share))
    if share > 0 and living:
        count = max(1, count)
    return [living[position] for position in rng.permutation(len(living))[:count]]


def _spoil(world: World, table: str, record_id: str, spoilt: Mapping[str, Any]) -> None:
    document = world.tables[table][record_id]
    remembered = world.remembered.setdefault((table, record_id), {})
    for name in spoilt:
        remembered.setdefault(name, document.get(name))
    _write(world, table, record_id, spoilt)


def _write(
    world: World,
    table: str,
    record_id: str,
    changes: Mapping[str, Any],
    source: str = BY_IMPORT,
    user: int | None = None,
) -> None:
    """Change a record now; HubSpot keeps the history of its contacts' properties."""
    moment = world.clock()
    if table == "hubspot.contacts":
        document = world.tables[table][record_id]
        changes = with_history(record_id, document, changes, moment, source, user)
    world.upsert(table, record_id, changes, at=moment)


def _change_one(
    world: World,
    rng: np.random.Generator,
    table: str,
    record_id: str,
    kind: str,
    changes: Changes,
) -> None:
    system = table.partition(".")[0]
    document = world.tables[table][record_id]
    if kind == "delete" and system != "klaviyo":
        world.archive(table, record_id)
    else:
        kind = "name" if kind == "delete" else kind
        draw = int(rng.integers(0, 1 << 30))
        values = _new_values(world, rng, system, document, kind, draw)
        source = _HOW[draw % len(_HOW)]
        if "hs_email_optout" in values:
            source = BY_EMAIL
        user = CRM_USERS[draw // 8 % len(CRM_USERS)] if source == BY_HAND else None
        _write(world, table, record_id, values, source, user)
    changes.note(kind, table, record_id)


def _new_values(
    world: World, rng: np.random.Generator, system: str, document: Document, kind: str, draw: int
) -> Document:
    first_field, last_field = _NAMES.get(system, ("first_name", "last_name"))
    if kind == "address":
        name = "address" if system == "hubspot" else "address1"
        return {name: f"{1 + draw % 150} rue Neuve"}
    if kind == "phone":
        name = {"hubspot": "phone", "klaviyo": "phone_number"}.get(system, "phone")
        return {name: f"+336{40_000_000 + draw % 49_999_999:08d}"}
    if kind == "email":
        return {"email": f"moved.{world.mutations}.{draw}@example.org"}
    if kind == "consent":
        return _other_consent(world, system, document, draw)
    names = last_names()["fr"] if draw % 4 else first_names()["fr"]
    return {last_field if draw % 4 else first_field: names.draw(rng, 1)[0]}


def _other_consent(world: World, system: str, document: Document, draw: int) -> Document:
    moment = world.clock()
    if system == "shopify":
        was = document["email_marketing_state"]
        state = "UNSUBSCRIBED" if was == "SUBSCRIBED" else "SUBSCRIBED"
        return {"email_marketing_state": state, "email_marketing_updated_at": moment}
    if system == "klaviyo":
        state = "UNSUBSCRIBED" if document["email_consent"] == "SUBSCRIBED" else "SUBSCRIBED"
        return {"email_consent": state, "email_consent_at": moment}
    if draw % 2:
        return {"hs_email_optout": not document["hs_email_optout"]}
    words = LEGAL_BASIS_WORDS[1 if document["hs_legal_basis"] == LEGAL_BASIS_WORDS[0] else 0]
    return {"hs_legal_basis": words}
