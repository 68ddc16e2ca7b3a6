"""What people allowed, and how the systems contradict each other about it."""

from datetime import datetime, timedelta

import numpy as np

from sandbox.world import errors
from sandbox.world.edits import BY_FORM, BY_HAND, BY_IMPORT, CRM_USERS, Entry
from sandbox.world.errors import Dice, scaled
from sandbox.world.model import Document
from sandbox.world.people import People
from sandbox.world.records import Written

EMAIL_GRANTED, EMAIL_WITHDRAWN = 0.58, 0.74
"""Below the first a person subscribed, below the second unsubscribed, above never said."""
SMS_GRANTED, SMS_WITHDRAWN = 0.12, 0.17
LEGAL_BASES = (
    ("Legitimate interest – existing customer", 0.42),  # HubSpot's own dash
    ("Performance of a contract", 0.54),
    ("Freely given consent from contact", 0.74),
    ("Not applicable", 0.84),
)
BY_EMAIL = "EMAIL"
"""HubSpot's word for who opted out by the link in an e-mail."""
LEGAL_BASIS_WORDS = tuple(words for words, _ in LEGAL_BASES)


def _stated(
    rng: np.random.Generator,
    written: Written,
    likes: np.ndarray,
    granted: float,
    withdrawn: float,
    noise: float,
) -> list[str]:
    """`granted`, `withdrawn` or `never` for every record, contradictions included."""
    likes = likes[written.person]
    contradicts = Dice(rng, len(written)).hits(scaled(errors.CONTRADICTION_SHARE, noise))
    stated = []
    for position, liking in enumerate(likes.tolist()):
        word = "granted" if liking < granted else "withdrawn" if liking < withdrawn else "never"
        if contradicts[position]:
            word = "withdrawn" if word == "granted" else "granted"
        stated.append(word)
    return stated


def _moments(rng: np.random.Generator, written: Written, created: list[datetime]) -> list[datetime]:
    """A time between the creation of each record and its last change."""
    span = (written.created_days - written.updated_days) * 86_400 * rng.random(len(written))
    return [
        moment + timedelta(seconds=seconds)
        for moment, seconds in zip(created, span.astype(int).tolist(), strict=True)
    ]


def _subscriptions(
    rng: np.random.Generator,
    people: People,
    written: Written,
    created: list[datetime],
    noise: float,
) -> tuple[list[str], list[str], list[datetime]]:
    """What every record says of e-mail and of SMS, and when it said so."""
    email = _stated(rng, written, people.likes_email, EMAIL_GRANTED, EMAIL_WITHDRAWN, noise)
    sms = _stated(rng, written, people.likes_sms, SMS_GRANTED, SMS_WITHDRAWN, noise)
    return email, sms, _moments(rng, written, created)


def shopify_consents(
    rng: np.random.Generator,
    people: People,
    written: Written,
    created: list[datetime],
    noise: float,
) -> list[Document]:
    """The consent fields of `shopify.customers`."""
    email, sms, moments = _subscriptions(rng, people, written, created, noise)
    words = {"granted": "SUBSCRIBED", "withdrawn": "UNSUBSCRIBED", "never": "NOT_SUBSCRIBED"}
    made = []
    for position, moment in enumerate(moments):
        has_sms = written.phone[position] is not None
        state = words[email[position]]
        if state == "SUBSCRIBED" and position % 60 == 0:
            state = "PENDING"
        made.append(
            {
                "email_marketing_state": state,
                "email_marketing_opt_in_level": "SINGLE_OPT_IN"
                if position % 4
                else "CONFIRMED_OPT_IN",
                "email_marketing_updated_at": None if state == "NOT_SUBSCRIBED" else moment,
                "sms_marketing_state": words[sms[position]] if has_sms else None,
                "sms_marketing_updated_at": moment
                if has_sms and sms[position] != "never"
                else None,
            }
        )
    return made


def klaviyo_consents(
    rng: np.random.Generator,
    people: People,
    written: Written,
    created: list[datetime],
    noise: float,
) -> list[Document]:
    """The consent fields of `klaviyo.profiles`; about 1.5 % are suppressed."""
    email, sms, moments = _subscriptions(rng, people, written, created, noise)
    suppressed = Dice(rng, len(written)).hits(0.015)
    words = {"granted": "SUBSCRIBED", "withdrawn": "UNSUBSCRIBED", "never": "NEVER_SUBSCRIBED"}
    made = []
    for position, moment in enumerate(moments):
        has_sms = written.phone[position] is not None
        sms_word = sms[position] if has_sms else "never"
        reason = "HARD_BOUNCE" if position % 2 else "USER_SUPPRESSED"
        stamp = moment.isoformat().replace("+00:00", "Z")
        made.append(
            {
                "email_consent": words[email[position]],
                "email_consent_at": None if email[position] == "never" else moment,
                "email_suppressed": (
                    [{"reason": reason, "timestamp": stamp}] if suppressed[position] else []
                ),
                "sms_consent": words[sms_word],
                "sms_consent_at": None if sms_word == "never" else moment,
            }
        )
    return made


def hubspot_consents(
    rng: np.random.Generator,
    people: People,
    written: Written,
    created: list[datetime],
    noise: float,
) -> list[Document]:
    """The consent fields of `hubspot.contacts` with their history, the latest value first.

    The history maps a property to its entries; see `edits.Entry`.
    """
    stated = _stated(rng, written, people.likes_email, EMAIL_GRANTED, EMAIL_WITHDRAWN, noise)
    moments = _moments(rng, written, created)
    basis = rng.random(len(written)).tolist()
    came_back = Dice(rng, len(written)).hits(0.05)
    made = []
    for position, moment in enumerate(moments):
        words = next((words for words, bound in LEGAL_BASES if basis[position] < bound), None)
        start = created[position]
        history: dict[str, list[Entry]] = {}
        opted_out: bool | None = None
        if stated[position] == "withdrawn":
            opted_out = True
            history["hs_email_optout"] = [("true", moment, BY_EMAIL, None)]
        elif stated[position] == "granted" and came_back[position]:
            opted_out = False
            between = start + (moment - start) / 2
            user = CRM_USERS[position % len(CRM_USERS)]
            history["hs_email_optout"] = [
                ("false", moment, BY_HAND, user),
                ("true", between, BY_EMAIL, None),
            ]
        elif position % 3 == 0:
            opted_out = False
            history["hs_email_optout"] = [("false", start, BY_IMPORT, None)]
        if words is not None:
            origin = BY_IMPORT if position % 2 else BY_FORM
            history["hs_legal_basis"] = [(words, start, origin, None)]
        made.append(
            {
                "hs_email_optout": opted_out,
                "hs_legal_basis": words,
                "properties_with_history": history,
            }
        )
    return made
