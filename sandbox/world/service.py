"""HubSpot's service tables: tickets, and answers to surveys about them and about the shop."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from sandbox.world import errors
from sandbox.world.commerce import NEWEST_CHANGE_DAYS, days_ago
from sandbox.world.errors import Dice, scaled
from sandbox.world.model import Document, World

TICKETS, FEEDBACK = "hubspot.tickets", "hubspot.feedback_submissions"
WINDOW_DAYS = 548.0
"""Eighteen months."""
TICKET_SHARE, MORE_TICKETS = 0.12, 0.3
"""Share of the contacts with a ticket, and how many more each of them has on average."""
NPS_SHARE, CSAT_SHARE = 0.08, 0.25
"""Share of the contacts who told how likely they recommend, of closed tickets that were rated."""
MEAN_DAYS_TO_CLOSE = 3.0
NEVER_CLOSED_SHARE = 0.02
CATEGORIES = ("PRODUCT_ISSUE", "BILLING_ISSUE", "GENERAL_INQUIRY", "FEATURE_REQUEST")
CATEGORY_SHARES = (0.38, 0.17, 0.35, 0.1)
SUBJECTS = {
    "PRODUCT_ISSUE": ("Broken on arrival", "Parcel has not come", "Wrong article in the parcel"),
    "BILLING_ISSUE": ("Invoice is wrong", "Refund has not come", "Charged twice"),
    "GENERAL_INQUIRY": ("Question about an order", "Change of address", "Opening hours"),
    "FEATURE_REQUEST": ("More sizes, please", "Gift wrapping", "Delivery to a parcel shop"),
}
PRIORITIES, PRIORITY_SHARES = ("LOW", "MEDIUM", "HIGH"), (0.45, 0.4, 0.15)
SOURCES, SOURCE_SHARES = ("EMAIL", "CHAT", "FORM", "PHONE"), (0.48, 0.2, 0.2, 0.12)
NEW, WAITING, CLOSED = "1", "3", "4"
"""Stages of HubSpot's own support pipeline."""
NPS, CSAT = "NPS", "CSAT"
NPS_SHARES = (0.03, 0.015, 0.02, 0.025, 0.025, 0.045, 0.06, 0.12, 0.18, 0.2, 0.28)
"""Of the scores 0 to 10: 22 % detractors, 30 % passives, 48 % promoters."""
NPS_SHARES_AFTER_TICKET = (0.08, 0.03, 0.04, 0.05, 0.05, 0.08, 0.1, 0.14, 0.15, 0.12, 0.16)
CSAT_SHARES = (0.16, 0.2, 0.64)
"""HubSpot's satisfaction surveys offer three answers, 0 to 2."""
SURVEYS = {NPS: "Would you recommend us?", CSAT: "How did we handle your request?"}
COMMENT_SHARE = 0.35
COMMENTS = (
    ("Too slow.", "Nobody answered.", "Not what I expected."),
    ("All right.", "Good, delivery could be faster."),
    ("Lovely shop!", "Very friendly.", "Always again."),
)
MALFORMED_DATE, MALFORMED_SCORE = "not-a-date", "ten"


def add_tickets(world: World, rng: np.random.Generator) -> None:
    """Fill `hubspot.tickets`, oldest first."""
    contacts = list(world.tables["hubspot.contacts"].items())
    chosen = rng.permutation(len(contacts))[: round(len(contacts) * TICKET_SHARE)]
    chosen = np.repeat(chosen, 1 + rng.poisson(MORE_TICKETS, len(chosen)))
    who, ages = _dated(world, rng, contacts, chosen)
    count = len(who)
    stays = rng.exponential(MEAN_DAYS_TO_CLOSE, count)
    is_closed = (stays < ages - NEWEST_CHANGE_DAYS) & (rng.random(count) > NEVER_CLOSED_SHARE)
    touched = np.where(is_closed, ages - stays, NEWEST_CHANGE_DAYS + ages * 0.9 * rng.random(count))
    created, updated = days_ago(world.now, ages), days_ago(world.now, np.minimum(ages, touched))
    contents = _contents(rng, count)
    malformed = Dice(rng, count).hits(scaled(errors.INVALID_SHARE, world.noise))
    for place, record_id in enumerate(world.next_ids("hubspot", count)):
        contact_id, contact = contacts[who[place]]
        world.tables[TICKETS][record_id] = {
            **_linked(contact_id, contact),
            **contents[place],
            "hs_pipeline": "0",
            "hs_pipeline_stage": CLOSED if is_closed[place] else (NEW, WAITING)[place % 2],
            "closed_date": updated[place] if is_closed[place] else None,
            "createdate": MALFORMED_DATE if malformed[place] else created[place],
            "created_at": created[place],
            "updated_at": updated[place],
            "archived_at": None,
            "person_id": None,
        }


def add_feedback(world: World, rng: np.random.Generator) -> None:
    """Fill `hubspot.feedback_submissions`: who had trouble recommends less; tickets are rated."""
    contacts = list(world.tables["hubspot.contacts"].items())
    chosen = rng.permutation(len(contacts))[: round(len(contacts) * NPS_SHARE)]
    who, ages = _dated(world, rng, contacts, chosen)
    troubled = {ticket["associations"][0] for ticket in world.tables[TICKETS].values()}
    usual = rng.choice(11, len(who), p=NPS_SHARES).tolist()
    worse = rng.choice(11, len(who), p=NPS_SHARES_AFTER_TICKET).tolist()
    answers: list[tuple[datetime, str, str, int]] = []
    for place, moment in enumerate(days_ago(world.now, ages)):
        contact_id = contacts[who[place]][0]
        score = (worse if contact_id in troubled else usual)[place]
        answers.append((moment, contact_id, NPS, score))
    answers += _ratings(world, rng)
    answers.sort(key=lambda answer: answer[:2])
    dice = Dice(rng, len(answers))
    talks, draw = dice.hits(COMMENT_SHARE), dice.below(1 << 16)
    malformed = dice.hits(scaled(errors.INVALID_SHARE, world.noise))
    for place, record_id in enumerate(world.next_ids("hubspot", len(answers))):
        moment, contact_id, survey, score = answers[place]
        document = _submission(contact_id, survey, score, moment, draw[place])
        if malformed[place]:
            document["hs_value"] = MALFORMED_SCORE
        if not talks[place]:
            document["hs_content"] = None
        document |= {"created_at": moment, "updated_at": moment}
        world.tables[FEEDBACK][record_id] = {**document, "archived_at": None, "person_id": None}


def _ratings(world: World, rng: np.random.Generator) -> Iterator[tuple[datetime, str, str, int]]:
    """Answers about closed tickets, each within two days, as far as these have passed."""
    closed = [row for row in world.tables[TICKETS].values() if row["closed_date"] is not None]
    rated = rng.permutation(len(closed))[: round(len(closed) * CSAT_SHARE)].tolist()
    scores = rng.choice(3, len(rated), p=CSAT_SHARES).tolist()
    waits = (2 * 86_400 * rng.random(len(rated))).astype(int).tolist()
    for place, score, wait in zip(rated, scores, waits, strict=True):
        moment = closed[place]["closed_date"] + timedelta(seconds=wait)
        if moment < world.now:
            yield moment, closed[place]["associations"][0], CSAT, score


def _dated(
    world: World,
    rng: np.random.Generator,
    contacts: list[tuple[str, Document]],
    chosen: np.ndarray,
) -> tuple[list[int], np.ndarray]:
    """Positions of the contacts and an age in days for each, oldest first; none before it was."""
    known = (
        np.array(
            [(world.now - contacts[place][1]["created_at"]).total_seconds() for place in chosen]
        )
        / 86_400
    )
    ages = NEWEST_CHANGE_DAYS + np.minimum(known, WINDOW_DAYS) * (
        0.001 + 0.998 * rng.random(len(known))
    )
    ages = np.minimum(ages, np.maximum(known, 0.0))
    oldest = np.argsort(-ages, kind="stable")
    return chosen[oldest].tolist(), ages[oldest]


def _linked(contact_id: str, contact: Document) -> Document:
    return {
        "associations": [contact_id],
        "associatedcompanyid": contact["associatedcompanyid"],
    }


def _contents(rng: np.random.Generator, count: int) -> list[Document]:
    """What each ticket is about, and how it came in."""
    categories = rng.choice(CATEGORIES, count, p=CATEGORY_SHARES).tolist()
    priorities = rng.choice(PRIORITIES, count, p=PRIORITY_SHARES).tolist()
    sources = rng.choice(SOURCES, count, p=SOURCE_SHARES).tolist()
    draw = rng.integers(0, 3, count).tolist()
    return [
        {
            "subject": SUBJECTS[category][draw[place]],
            "content": None,
            "hs_ticket_category": category,
            "hs_ticket_priority": priorities[place],
            "source_type": sources[place],
        }
        for place, category in enumerate(categories)
    ]


def _submission(
    contact_id: str, survey: str, score: int, moment: datetime, draw: int
) -> dict[str, Any]:
    high, low = (9, 7) if survey == NPS else (2, 1)
    mood = 2 if score >= high else 1 if score >= low else 0
    comments = COMMENTS[mood]
    return {
        "associations": [contact_id],
        "hs_survey_name": SURVEYS[survey],
        "hs_survey_type": survey,
        "hs_survey_channel": "EMAIL" if draw % 5 else "WEB_PAGE",
        "hs_value": score,
        "hs_content": comments[draw // 8 % len(comments)],
        "hs_submission_timestamp": moment,
        "hs_createdate": moment,
    }


def open_tickets_now(world: World, rng: np.random.Generator, count: int) -> Iterator[str]:
    """Let `count` random contacts open a ticket now; yields the tickets' identifiers."""
    contacts = [(key, row) for key, row in world.live("hubspot.contacts")]
    contents = _contents(rng, min(count, len(contacts)))
    for place, content in zip(rng.permutation(len(contacts)).tolist(), contents, strict=False):
        ticket_id, moment = world.next_id("hubspot"), world.clock()
        ticket = {
            **_linked(*contacts[place]),
            **content,
            "hs_pipeline": "0",
            "hs_pipeline_stage": NEW,
            "closed_date": None,
            "createdate": moment,
        }
        world.upsert(TICKETS, ticket_id, ticket, at=moment)
        yield ticket_id


def close_tickets_now(
    world: World, rng: np.random.Generator, count: int
) -> Iterator[tuple[str, str]]:
    """Close `count` random open tickets, each second of which is rated.

    Yields:
        Table and identifier of what was touched.
    """
    waiting = [key for key, row in world.live(TICKETS) if row["hs_pipeline_stage"] != CLOSED]
    for number, place in enumerate(rng.permutation(len(waiting))[:count].tolist()):
        moment = world.clock()
        changes = {"hs_pipeline_stage": CLOSED, "closed_date": moment}
        ticket = world.upsert(TICKETS, waiting[place], changes, at=moment)
        yield TICKETS, waiting[place]
        if number % 2 == 0:
            score = int(rng.choice(3, p=CSAT_SHARES))
            yield FEEDBACK, _submit_now(world, ticket["associations"][0], CSAT, score, number)


def answer_now(world: World, rng: np.random.Generator, count: int) -> Iterator[str]:
    """Let `count` random contacts say now whether they recommend; yields identifiers."""
    contacts = [key for key, _ in world.live("hubspot.contacts")]
    scores = rng.choice(11, min(count, len(contacts)), p=NPS_SHARES).tolist()
    for place, score in zip(rng.permutation(len(contacts)).tolist(), scores, strict=False):
        yield _submit_now(world, contacts[place], NPS, score, place)


def _submit_now(world: World, contact_id: str, survey: str, score: int, draw: int) -> str:
    record_id, moment = world.next_id("hubspot"), world.clock()
    document = _submission(contact_id, survey, score, moment, draw)
    world.upsert(FEEDBACK, record_id, document, at=moment)
    return record_id
