"""The records that the systems keep of the same persons, and of their companies, by chance."""

from tests.support.draw import Draw, iso

FIRST = ("Ann", "Bob", "Cléa", "Dora", "Émile", "Finn", "Gwen", "Hugo")
LAST = ("Lee", "Roe", "Martin", "Ørsted", "Müller", "D'Arc")
BASIS = "Legitimate interest – existing customer"


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
