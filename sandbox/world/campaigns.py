"""Klaviyo's campaigns, and what its messages leave in the events that they cause."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from sandbox.world.commerce import days_ago
from sandbox.world.model import Document, World

TABLE = "klaviyo.campaigns"
SENT = 24
SMS_EVERY = 6
"""Each sixth campaign is an SMS; the others are e-mails."""
WINDOW_DAYS = 270.0
NEWEST_DAYS = 1.5
DELIVERY_DAYS = 0.25
"""A campaign reaches the last of its recipients within six hours."""
ARCHIVED = 2
UNSENT = ("Scheduled", "Draft")
FLOW_SHARE = 0.1
FLOW: Document = {
    "Campaign Name": "Welcome series: first e-mail",
    "Subject": "Welcome",
    "$flow": "FlWel1",
    "$message": "MsWel1",
}
"""A flow's message carries the flow; a campaign's `$message` is the campaign itself."""


@dataclass(frozen=True)
class Sends:
    """Campaigns that were sent, newest first.

    Args:
        ages: days since each was sent, rising.
        contents: the event properties of each, one shared, never changed object a campaign.
    """

    ages: np.ndarray
    contents: list[Document]


def add_campaigns(world: World, rng: np.random.Generator) -> dict[str, Sends]:
    """Fill `klaviyo.campaigns`; returns what was sent by channel."""
    spacing = (WINDOW_DAYS - NEWEST_DAYS) / SENT
    ages = NEWEST_DAYS + spacing * (np.arange(SENT - 1, -1, -1) + 0.8 * rng.random(SENT))
    sent_at = days_ago(world.now, ages)
    prepared_at = days_ago(world.now, ages + 1 + 4 * rng.random(SENT))
    finished = days_ago(world.now, ages - DELIVERY_DAYS - rng.random(SENT) / 2)
    sends: dict[str, list[tuple[float, Document]]] = {"email": [], "sms": []}
    ids = world.next_ids("klaviyo", 2 * (SENT + len(UNSENT)))
    for number in range(SENT):
        channel = "email" if (number + 1) % SMS_EVERY else "sms"
        campaign = campaign_document(number, channel, "Sent", ids[2 * number + 1])
        campaign |= {
            "archived": number < ARCHIVED,
            "scheduled_at": sent_at[number] - timedelta(days=0.5),
            "send_time": sent_at[number],
            "created_at": prepared_at[number],
            "updated_at": finished[number],
        }
        world.tables[TABLE][ids[2 * number]] = campaign
        sends[channel].append((float(ages[number]), content_of(ids[2 * number], campaign)))
    made = days_ago(world.now, 0.5 + rng.random(len(UNSENT)))
    for place, status in enumerate(UNSENT):
        number = SENT + place
        campaign = campaign_document(number, "email", status, ids[2 * number + 1])
        planned = world.now + timedelta(days=3) if status == "Scheduled" else None
        campaign |= {"send_time": planned, "created_at": made[place], "updated_at": made[place]}
        campaign["scheduled_at"] = made[place] if planned else None
        world.tables[TABLE][ids[2 * number]] = campaign
    return {channel: _newest_first(entries) for channel, entries in sends.items()}


def _newest_first(entries: list[tuple[float, Document]]) -> Sends:
    entries.sort(key=lambda entry: entry[0])
    return Sends(np.array([age for age, _ in entries]), [content for _, content in entries])


def campaign_document(number: int, channel: str, status: str, message_id: str) -> Document:
    """A campaign without its times."""
    return {
        "name": f"Campaign {number + 1:02d}",
        "subject": f"News of the month {number + 1}",
        "channel": channel,
        "status": status,
        "archived": False,
        "message_id": message_id,
        "archived_at": None,
        "person_id": None,
    }


def content_of(campaign_id: str, campaign: Document) -> Document:
    """Properties of the events that a campaign causes."""
    content = {"Campaign Name": campaign["name"], "$message": campaign_id}
    return content if campaign["channel"] == "sms" else content | {"Subject": campaign["subject"]}


def next_send(sends: Sends, ages: np.ndarray) -> np.ndarray:
    """Position of the first campaign sent after moments of these ages, -1 where there is none."""
    return np.searchsorted(sends.ages, ages, side="right") - 1


def send_now(world: World) -> tuple[str, Document]:
    """Send the scheduled e-mail campaign, or a new one where none is.

    Returns:
        Its identifier and document.
    """
    moment = world.clock()
    scheduled = sorted(key for key, row in world.live(TABLE) if row["status"] == "Scheduled")
    if scheduled:
        campaign_id, fields = scheduled[0], {}
    else:
        campaign_id, message_id = world.next_ids("klaviyo", 2)
        number = len(world.tables[TABLE])
        fields = campaign_document(number, "email", "Sent", message_id)
        fields["scheduled_at"] = moment
    changes = {**fields, "status": "Sent", "send_time": moment}
    return campaign_id, world.upsert(TABLE, campaign_id, changes, at=moment)
