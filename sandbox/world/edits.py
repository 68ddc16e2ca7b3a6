"""Who changed what of a HubSpot contact: the history of its properties, the latest value first."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from sandbox.world.errors import misspell
from sandbox.world.model import Document, World

Entry = tuple[str, datetime, str, int | None]
"""Value, time, source type, and the CRM user where a person made the change by hand."""
WITH_HISTORY = (
    *("email", "phone", "firstname", "lastname", "lifecyclestage"),
    *("hs_email_optout", "hs_legal_basis"),
)
BY_HAND, BY_INTEGRATION, BY_IMPORT, BY_FORM = "CRM_UI", "INTEGRATION", "IMPORT", "FORM"
ORIGINS = (BY_INTEGRATION, BY_INTEGRATION, BY_FORM, BY_IMPORT)
"""How contacts came in."""
CRM_USERS = (9_586_504, 9_586_511, 10_204_377, 10_731_902, 11_050_218)
USER_SHARES = (0.34, 0.26, 0.18, 0.14, 0.08)
CORRECTED_SHARES = (0.22, 0.28, 0.32, 0.45, 0.7)
"""Of each user's edits: people differ in how carefully they type."""
EDITED_SHARE = 0.06
EDITED = ("phone", "lifecyclestage", "email", "lastname", "firstname")
EDITED_SHARES = (0.36, 0.26, 0.16, 0.13, 0.09)
FIRST_VALUE_SHARE = 0.3
"""Of the phones: nobody had one before."""
MEAN_DAYS_TO_CORRECT, MAX_DAYS_TO_CORRECT = 4.0, 25.0
SHORTEST_LIFE = timedelta(hours=2)
_STAGES = ("subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "customer")


def value_text(value: object) -> str | None:
    """A property's value as it stands in the history."""
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def history_of(record_id: str, document: Document, name: str) -> list[Entry]:
    """Values of a property, the latest first; one that never changed came with the contact."""
    stored = (document.get("properties_with_history") or {}).get(name)
    if stored is not None:
        return stored
    value = value_text(document.get(name))
    if value is None:
        return []
    origin = ORIGINS[int(record_id) % len(ORIGINS)]
    return [(value, document["created_at"], origin, None)]


def with_history(
    record_id: str,
    document: Document,
    changes: Mapping[str, Any],
    moment: datetime,
    source: str,
    user: int | None = None,
) -> Document:
    """The changes of a contact together with the history that they leave.

    Args:
        record_id: the contact.
        document: the contact as it stands, empty where it is new.
        changes: properties to set.
        moment: when.
        source: how, as HubSpot names it.
        user: the CRM user where `source` is by hand.
    """
    made = {
        name: [
            (value_text(changes[name]) or "", moment, source, user),
            *history_of(record_id, document, name),
        ]
        for name in WITH_HISTORY
        if name in changes and changes[name] != document.get(name)
    }
    if not made:
        return dict(changes)
    before = document.get("properties_with_history") or {}
    return {**changes, "properties_with_history": {**before, **made}}


def add_edits(world: World, rng: np.random.Generator) -> None:
    """Give a share of the contacts edits by hand, some of them corrected; no value changes."""
    contacts = list(world.tables["hubspot.contacts"].items())
    chosen = rng.permutation(len(contacts))[: round(len(contacts) * EDITED_SHARE)].tolist()
    count = len(chosen)
    name = rng.choice(EDITED, count, p=EDITED_SHARES).tolist()
    user = rng.choice(len(CRM_USERS), count, p=USER_SHARES)
    is_corrected = (rng.random(count) < np.array(CORRECTED_SHARES)[user]).tolist()
    when = (0.05 + 0.9 * rng.random(count)).tolist()
    stays = np.minimum(MAX_DAYS_TO_CORRECT, rng.exponential(MEAN_DAYS_TO_CORRECT, count))
    draw = rng.integers(0, 1 << 20, count).tolist()
    for place, position in enumerate(chosen):
        record_id, contact = contacts[position]
        life = contact["updated_at"] - contact["created_at"]
        if life < SHORTEST_LIFE:
            continue
        edited = name[place] if contact[name[place]] else "lifecyclestage"
        at = contact["created_at"] + timedelta(seconds=int(life.total_seconds() * when[place]))
        until = None
        if is_corrected[place]:
            until = min(contact["updated_at"], at + timedelta(seconds=int(stays[place] * 86_400)))
        contact["properties_with_history"] |= {
            edited: _edited(record_id, contact, edited, (at, until), int(user[place]), draw[place])
        }


def _edited(
    record_id: str,
    contact: Document,
    name: str,
    moments: tuple[datetime, datetime | None],
    user: int,
    draw: int,
) -> list[Entry]:
    """The history of one property with one edit by hand, which may have been put right."""
    at, until = moments
    value = str(contact[name])
    [(_, created_at, origin, _)] = history_of(record_id, contact, name)
    other = _other_value(name, value, draw)
    if until is not None and until > at:
        by_hand = draw % 2 == 0
        right: Entry = (
            (value, until, BY_HAND, CRM_USERS[(user + 1) % len(CRM_USERS)])
            if by_hand
            else (value, until, BY_INTEGRATION, None)
        )
        return [right, (other, at, BY_HAND, CRM_USERS[user]), (value, created_at, origin, None)]
    edit: Entry = (value, at, BY_HAND, CRM_USERS[user])
    if name == "phone" and draw % 100 < FIRST_VALUE_SHARE * 100:
        return [edit]
    return [edit, (other, created_at, origin, None)]


def _other_value(name: str, value: str, draw: int) -> str:
    """What somebody typed by mistake, or what stood there before."""
    if name == "lifecyclestage":
        others = [stage for stage in _STAGES if stage != value]
        return others[draw % len(others)]
    if name == "phone":
        last = str((int(value[-1]) + 1 + draw % 9) % 10) if value[-1].isdigit() else "0"
        return value[:-1] + last
    if name == "email":
        local, at, domain = value.partition("@")
        return f"{misspell(local, draw)}{at}{domain}"
    return misspell(value, draw)
