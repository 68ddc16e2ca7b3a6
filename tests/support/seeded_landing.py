"""Loads of all systems drawn from a seed: the same records, whichever warehouse takes them in.

The second wave changes, deletes and joins what the first one landed, and brings records whose
source time lies before that of what is landed already.
"""

import random
from datetime import UTC, datetime, timedelta

Load = tuple[str, str, list[dict]]
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
PEOPLE = 40
FIRST = ("Ann", "Bob", "Cléa", "Dora", "Émile", "Finn", "Gwen", "Hugo")
LAST = ("Lee", "Roe", "Martin", "Ørsted", "Müller", "D'Arc")
CURRENCIES = ("EUR", "EUR", "USD", "GBP", "SEK")
BASIS = "Legitimate interest – existing customer"


class Draw:
    """Random choices of one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def at(self, first: int = 0, last: int = 300) -> datetime:
        """A time between two days after the begin."""
        seconds = self.random.randint(first * 86_400, last * 86_400)
        return BEGIN + timedelta(seconds=seconds, microseconds=self.random.randint(0, 999_999))

    def one(self, *choices):
        """One of them."""
        return self.random.choice(choices)

    def amount(self, most: int = 500) -> str:
        """Money with two decimals."""
        return f"{self.random.randint(0, most * 100) / 100:.2f}"


def iso(at: datetime) -> str:
    """The way vendors write a time."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def linked_to(contact_id: str | None, **others: str | None) -> dict:
    """The links of a HubSpot record to a contact and other objects, as the connector reads them."""
    links = {"contacts": contact_id, **others}
    return {
        "associations": {
            name: {"results": [{"id": key, "type": "t"}]} for name, key in links.items() if key
        }
    }


def contact(draw: Draw, number: int) -> dict:
    """A contact of person `number` in HubSpot, with histories of consent and of its phone."""
    opted_out = draw.one(True, False)
    phone = f"+3361234{number:04d}"
    histories = {
        "hs_email_optout": [
            {"value": str(draw.one(True, False)).lower(), "timestamp": iso(draw.at(last=100))}
            for _ in range(draw.one(0, 1, 3))
        ],
        "hs_legal_basis": [{"value": BASIS, "timestamp": iso(draw.at(last=100))}],
        "phone": [
            {
                "value": f"{phone}{step}",
                "timestamp": iso(draw.at(last=200)),
                "sourceType": draw.one("CRM_UI", "INTEGRATION"),
                "sourceId": "userId:7",
            }
            for step in range(draw.one(0, 2, 4))
        ],
    }
    return {
        "id": f"h{number}",
        "email": f"person{number}@example.com" if number % 3 else None,
        "firstname": FIRST[number % len(FIRST)],
        "lastname": LAST[number % len(LAST)],
        "phone": phone if number % 4 else None,
        "country": draw.one("France", "Österreich", "gb", "nowhere", None),
        "city": draw.one("Lyon", " Wien ", "", None),
        "hs_email_optout": opted_out,
        "hs_legal_basis": draw.one(BASIS, "Not applicable", None),
        "associatedcompanyid": draw.one("c1", "c2", "c9", None),
        "properties_with_history": histories,
        "createdate": draw.at(last=10),
        "at": draw.at(200, 250),
    }


def shopper(draw: Draw, number: int) -> dict:
    """The same person as a customer in Shopify."""
    return {
        "id": f"s{number}",
        "email": f"Person{number}@Example.com",
        "first_name": FIRST[number % len(FIRST)],
        "last_name": LAST[number % len(LAST)],
        "country_code": "FR",
        "email_marketing_state": draw.one("SUBSCRIBED", "UNSUBSCRIBED", "NOT_SUBSCRIBED"),
        "email_marketing_updated_at": draw.at(last=150),
        "sms_marketing_state": draw.one("SUBSCRIBED", "UNSUBSCRIBED", None),
        "created_at": draw.at(last=10),
        "at": draw.at(150, 250),
    }


def profile(draw: Draw, number: int) -> dict:
    """The same person as a profile in Klaviyo."""
    suppressed = [{"reason": "HARD_BOUNCE", "timestamp": iso(draw.at(last=150))}]
    return {
        "id": f"k{number}",
        "email": f"person{number}@example.com" if number % 2 else None,
        "phone_number": f"+3361234{number:04d}",
        "first_name": FIRST[number % len(FIRST)],
        "last_name": LAST[number % len(LAST)],
        "email_consent": draw.one("SUBSCRIBED", "UNSUBSCRIBED", "NEVER_SUBSCRIBED"),
        "email_consent_at": draw.at(last=150),
        "email_suppressed": draw.one([], [], suppressed),
        "sms_consent": draw.one("SUBSCRIBED", None),
        "sms_consent_at": draw.at(last=150),
        "at": draw.at(150, 250),
    }


def order(draw: Draw, number: int) -> dict:
    """An order of one or two lines, and of refunds where it was given back."""
    at = draw.at(last=280)
    lines = [
        {
            "id": f"l{number}-{line}",
            "productId": draw.one("p1", "p2", None),
            "quantity": draw.one(1, 2),
            "unitPrice": draw.amount(50),
            "discountedTotal": draw.amount(100),
        }
        for line in range(draw.one(1, 2))
    ]
    currency = draw.one(*CURRENCIES)
    refunds = [
        {
            "id": f"r{number}-{part}",
            "createdAt": iso(at + timedelta(days=part)),
            "amount": draw.amount(20),
            "currencyCode": currency,
        }
        for part in range(draw.one(0, 0, 1, 2))
    ]
    return {
        "id": f"o{number}",
        "name": f"#{number}",
        "customer_id": draw.one(*(f"s{person}" for person in range(PEOPLE + 3)), None),
        "currency_code": currency,
        "total_price": draw.amount(),
        "total_refunded": draw.amount(20),
        "financial_status": draw.one("PAID", "REFUNDED", "PENDING"),
        "cancelled_at": draw.one(None, None, None, at),
        "line_items": lines,
        "refunds": refunds,
        "processed_at": at,
        "at": draw.at(280, 300),
    }


def event(draw: Draw, number: int) -> dict:
    """Something that reached a person or that they did."""
    return {
        "id": f"e{number}",
        "profile_id": f"k{draw.random.randrange(PEOPLE + 3)}",
        "metric_name": draw.one("Received Email", "Opened Email", "Clicked SMS", "Active on Site"),
        "datetime": draw.at(),
        "event_properties": draw.one(
            {"$message": "m1"}, {"$message": "m9"}, {"$message": "m1", "$flow": "f"}
        ),
        "at": draw.at(),
    }


def cart(draw: Draw, number: int) -> dict:
    """A cart that was left, and bought later or not."""
    at = draw.at()
    return {
        "id": f"c{number}",
        "customer_id": f"s{draw.random.randrange(PEOPLE)}",
        "currency_code": draw.one(*CURRENCIES),
        "total_price": draw.amount(),
        "created_at": at,
        "completed_at": draw.one(None, at + timedelta(minutes=3), at + timedelta(days=2)),
        "at": draw.at(280, 300),
    }


def subscription(draw: Draw, number: int) -> dict:
    """A subscription in one of its states."""
    return {
        "id": f"b{number}",
        "customer_id": f"s{draw.random.randrange(PEOPLE)}",
        "status": draw.one("ACTIVE", "PAUSED", "CANCELLED"),
        "currency_code": draw.one(*CURRENCIES),
        "recurring_amount": draw.amount(50),
        "billing_interval": draw.one("MONTH", "YEAR"),
        "billing_interval_count": draw.one(1, 3),
        "created_at": draw.at(),
        "at": draw.at(280, 300),
    }


def ticket(draw: Draw, number: int) -> dict:
    """A ticket, closed after seconds or days or not at all."""
    at = draw.at()
    contact_of = draw.one(*(f"h{person}" for person in range(PEOPLE + 3)), None)
    closed = at + timedelta(seconds=draw.random.randint(0, 500_000))
    return {
        "id": f"t{number}",
        "source_type": draw.one("CHAT", "EMAIL", "PHONE"),
        "createdate": at,
        "closed_date": draw.one(None, closed),
        "at": draw.at(280, 300),
    } | linked_to(contact_of, companies=draw.one("c1", None))


def answer(draw: Draw, number: int) -> dict:
    """An answer to one of two surveys."""
    return {
        "id": f"f{number}",
        "hs_survey_type": draw.one("NPS", "CSAT"),
        "hs_value": draw.random.randint(0, 10),
        "hs_submission_timestamp": draw.at(),
        "at": draw.at(),
    } | linked_to(f"h{draw.random.randrange(PEOPLE)}")


def rate(draw: Draw, currency: str, on: int) -> dict:
    """The rate of a currency on a day after the begin; the Swedish one is never published."""
    day = (BEGIN + timedelta(days=on)).date()
    return {
        "id": f"{currency}:EUR:{day}",
        "from_currency": currency,
        "to_currency": "EUR",
        "rate_date": day,
        "rate": f"{draw.random.randint(50_000_000, 150_000_000) / 100_000_000:.8f}",
        "at": draw.at(),
    }


def cost(draw: Draw, number: int) -> dict:
    """What was paid for a month."""
    first = (BEGIN + timedelta(days=number * 30)).date()
    return {
        "id": f"k{number}",
        "kind": draw.one("media", "licence"),
        "channel": draw.one("email", None),
        "period_start": first,
        "period_end": first + timedelta(days=29),
        "amount": draw.amount(9_000),
        "currency_code": draw.one(*CURRENCIES),
        "at": draw.at(),
    }


def company(draw: Draw, number: int) -> dict:
    """A company."""
    return {
        "id": f"c{number}",
        "name": f" Company {number} ",
        "domain": f"WWW.company{number}.example",
        "country": draw.one("Deutschland", "IT"),
        "numberofemployees": number * 10,
        "at": draw.at(),
    }


def product(draw: Draw, number: int) -> dict:
    """A product of two variants."""
    variants = [{"id": f"v{one}", "price": draw.amount(50)} for one in (1, 2)]
    return {"id": f"p{number}", "title": f"Product {number}", "variants": variants, "at": draw.at()}


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
