"""What persons bought, did, asked and answered, and what that cost, by chance."""

from datetime import timedelta

from tests.support.draw import BEGIN, CURRENCIES, PEOPLE, Draw, iso, linked_to


def product(draw: Draw, number: int) -> dict:
    """A product of two variants."""
    variants = [{"id": f"v{one}", "price": draw.amount(50)} for one in (1, 2)]
    return {"id": f"p{number}", "title": f"Product {number}", "variants": variants, "at": draw.at()}


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
