"""HubSpot's tables: companies, contacts and deals."""

from datetime import datetime

import numpy as np

from sandbox.world import errors
from sandbox.world.commerce import cents, days_ago
from sandbox.world.consent import hubspot_consents
from sandbox.world.errors import Dice, scaled
from sandbox.world.model import Document, World
from sandbox.world.names import countries
from sandbox.world.people import People, slug
from sandbox.world.records import Written

COUNTRY_NAMES = {entry.code: entry.spellings[0] for entry in countries()}
SPELLINGS = {entry.code: entry.spellings for entry in countries()}
INDUSTRIES = ("RETAIL", "HOSPITALITY", "INSURANCE", "EDUCATION_MANAGEMENT", "MANUFACTURING", None)
JOBS = ("Owner", "Buyer", "Office manager", "Assistant", "Director", None, None, None)
STAGES = ("appointmentscheduled", "qualifiedtobuy", "contractsent", "closedwon", "closedlost")
LIFECYCLE = ("subscriber", "lead", "marketingqualifiedlead", "customer", "customer", "customer")
DEALS_PER_CONTACT = 0.08
MALFORMED_DATE, MALFORMED_AMOUNT = "not-a-date", "12,50 EUR"


def add_companies(
    world: World, rng: np.random.Generator, people: People, written: Written
) -> dict[str, str]:
    """Fill `hubspot.companies` from the contacts' employers; returns name to identifier."""
    names = list(
        dict.fromkeys(name for who in written.person if (name := people.company[who]) is not None)
    )
    where = {name: people.country[who] for who in written.person if (name := people.company[who])}
    ids = world.next_ids("hubspot", len(names))
    created = days_ago(world.now, 30 + 900 * rng.random(len(names)))
    updated = days_ago(world.now, 0.5 + 29 * rng.random(len(names)))
    size = np.exp(rng.normal(3.0, 1.2, len(names))).astype(int).tolist()
    for position, record_id in enumerate(ids):
        name = names[position]
        world.tables["hubspot.companies"][record_id] = {
            "name": name,
            "domain": f"{slug(name)}.example",
            "industry": INDUSTRIES[position % len(INDUSTRIES)],
            "city": None,
            "country": COUNTRY_NAMES[where[name]],
            "numberofemployees": 1 + size[position],
            "annualrevenue": cents((1 + size[position]) * 9_500_000),
            "createdate": created[position],
            "created_at": created[position],
            "updated_at": updated[position],
            "archived_at": None,
            "person_id": None,
        }
    return dict(zip(names, ids, strict=True))


def add_contacts(
    world: World,
    rng: np.random.Generator,
    people: People,
    written: Written,
    ids: list[str],
    shopify_id_of: dict[int, str],
) -> None:
    """Fill `hubspot.contacts`; phones as people type them, countries in several spellings."""
    company_ids = add_companies(world, rng, people, written)
    created = days_ago(world.now, written.created_days)
    updated = days_ago(world.now, written.updated_days)
    consents = hubspot_consents(rng, people, written, created, world.noise)
    dice = Dice(rng, len(written))
    spelt = dice.hits(scaled(errors.NATIONAL_PHONE_SHARE, world.noise))
    foreign = dice.hits(scaled(0.1, world.noise))
    malformed = dice.hits(scaled(errors.INVALID_SHARE / 2, world.noise))
    draw = dice.below(1 << 16)
    for position, record_id in enumerate(ids):
        who = written.person[position]
        phone, chance = written.phone[position], draw[position]
        if phone is not None and spelt[position]:
            phone = errors.spell_phone(phone, chance)
        spellings = SPELLINGS[people.country[who]]
        company = people.company[who]
        linked = people.has_external_id[who] and not written.is_duplicate[position]
        world.tables["hubspot.contacts"][record_id] = {
            "email": written.email[position],
            "firstname": written.first[position],
            "lastname": written.last[position],
            "phone": None if chance % 10 < 2 else phone,
            "mobilephone": phone if chance % 10 < 3 else None,
            "company": company,
            "jobtitle": JOBS[chance % len(JOBS)],
            "address": people.address[who] if chance % 4 else None,
            "city": people.city[who],
            "zip": people.zip_code[who] if chance % 5 else None,
            "country": spellings[chance % len(spellings)] if foreign[position] else spellings[0],
            "lifecyclestage": LIFECYCLE[chance % len(LIFECYCLE)],
            **consents[position],
            "shopify_customer_id": shopify_id_of.get(who) if linked else None,
            "associatedcompanyid": company_ids.get(company) if company else None,
            "createdate": MALFORMED_DATE if malformed[position] else created[position],
            "created_at": created[position],
            "updated_at": updated[position],
            "archived_at": None,
            "person_id": people.ids[who],
        }


def add_deals(world: World, rng: np.random.Generator, contact_ids: list[str]) -> None:
    """Fill `hubspot.deals`; `associations` is the list of contact identifiers."""
    count = int(len(contact_ids) * DEALS_PER_CONTACT)
    created_days = 2 + 500 * rng.random(count)
    created = days_ago(world.now, created_days)
    updated = days_ago(world.now, created_days * rng.random(count))
    closing = days_ago(world.now, created_days - 60)
    amount = (np.exp(rng.normal(6.5, 1.0, count)) * 100).astype(int).tolist()
    contact = rng.integers(0, max(1, len(contact_ids)), count).tolist()
    malformed = Dice(rng, count).hits(scaled(errors.INVALID_SHARE, world.noise))
    for position, record_id in enumerate(world.next_ids("hubspot", count)):
        world.tables["hubspot.deals"][record_id] = _deal(
            position,
            MALFORMED_AMOUNT if malformed[position] else cents(amount[position]),
            contact_ids[contact[position]],
            (created[position], updated[position], closing[position]),
        )


def _deal(
    position: int, amount: str, contact_id: str, moments: tuple[datetime, datetime, datetime]
) -> Document:
    created, updated, closing = moments
    return {
        "dealname": f"Corporate order {position + 1}",
        "amount": amount,
        "deal_currency_code": "EUR",
        "dealstage": STAGES[position % len(STAGES)],
        "pipeline": "default",
        "closedate": closing,
        "associations": [contact_id],
        "createdate": created,
        "created_at": created,
        "updated_at": updated,
        "archived_at": None,
        "person_id": None,
    }
