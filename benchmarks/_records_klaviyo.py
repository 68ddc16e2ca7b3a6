"""Klaviyo's records for the benchmark of the model."""

from collections.abc import Mapping

from benchmarks._recipe import CHANGED, COUNTRIES, CREATED, EMAIL, PERSON, PHONE, Recipe, of_chance

RECIPES: Mapping[str, Recipe] = {
    "klaviyo.profiles": Recipe(
        1,
        {
            "email": EMAIL,
            "phone_number": f"case when c % 2 = 1 then {PHONE} end",
            "external_id": "cast(1000000 + c as text)",
            "first_name": "'First' || c % 5003",
            "last_name": "'Last' || c % 20011",
            **PERSON,
            "country": COUNTRIES,
            "email_consent": "['SUBSCRIBED', 'NEVER_SUBSCRIBED', 'UNSUBSCRIBED'][c % 3 + 1]",
            "email_consent_at": CREATED,
            "email_suppressed": (
                "case when c % 50 = 0 then cast(json_array(json_object('reason', 'HARD_BOUNCE',"
                " 'timestamp', '2026-01-02T08:00:00Z')) as text) else '[]' end"
            ),
            "sms_consent": "'NEVER_SUBSCRIBED'",
            "properties": "'{}'",
            "created": CREATED,
            "updated": CHANGED,
            "last_event_date": CREATED,
        },
        record_id="'01' || lpad(cast(i as text), 10, '0')",
        having="c % 10 > 1",
        versioned=20,
    ),
    "klaviyo.events": Recipe(
        3,
        {
            "profile_id": "'01' || lpad(cast(c as text), 10, '0')",
            "metric_id": "'M' || i % 5",
            "metric_name": (
                "['Received Email', 'Opened Email', 'Placed Order', 'Active on Site',"
                " 'Clicked SMS'][i % 5 + 1]"
            ),
            "datetime": CREATED,
            "event_properties": (
                "cast(json_object('Subject', 'News of the week ' || i % 100, '$value', i % 90,"
                " '$message', case when i % 5 < 2 then cast(1000000 + i % 200 as text) end)"
                " as text)"
            ),
        },
        record_id="'E' || i",
        customer=of_chance(2),
        having="c % 10 > 1",
        versioned=1_000_000_000,
        source_at=CREATED,
    ),
    "klaviyo.lists": Recipe(
        0.00002, {"name": "'List ' || i", "created": CREATED, "updated": CHANGED}, changes=False
    ),
    "klaviyo.campaigns": Recipe(
        0.0002,
        {
            "name": "'Campaign ' || i",
            "status": "'Sent'",
            "channel": "['email', 'sms'][i % 2 + 1]",
            "archived": "false",
            "send_time": CREATED,
            "created_at": CREATED,
            "updated_at": CHANGED,
        },
        changes=False,
    ),
}
