"""Shopify's webhooks: whose they are, and what the published payloads say."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.connectors.kit.webhooks import PayloadRefused, SignatureRefused
from orchestration_assets.connectors.shopify.webhook import TOPICS, ShopifyWebhook
from tests.unit.connectors.webhook_requests import OLD_SECRET, SECRET, request, shopify

WEBHOOK = ShopifyWebhook()
NEW_YEAR = datetime(2022, 1, 1, tzinfo=UTC)
# Topic to subject and time of the published example; the SMS consent and products have none.
PUBLISHED = {
    "orders/create": ("115310627314723950", NEW_YEAR),
    "orders/updated": ("115310627314723950", NEW_YEAR),
    "orders/cancelled": ("115310627314723950", NEW_YEAR),
    "customers/create": ("706405506930370000", NEW_YEAR),
    "customers/update": ("706405506930370000", NEW_YEAR),
    "customers/delete": ("706405506930370000", None),
    "customers_email_marketing_consent/update": ("706405506930370000", None),
    "checkouts/create": ("603851970716743400", NEW_YEAR),
    "checkouts/update": ("603851970716743400", NEW_YEAR),
    "carts/update": ("exampleCartId", NEW_YEAR),
    "refunds/create": ("820982911946154500", NEW_YEAR),
}
CUSTOMER = {
    "id": 7000005013504,
    "updated_at": "2026-07-01T11:59:00+02:00",
    "email": "ann@example.com",
    "admin_graphql_api_id": "gid://shopify/Customer/7000005013504",
}
CONSENT = {
    "customer_id": 7000005013504,
    "email_address": "ann@example.com",
    "email_marketing_consent": {"state": "unsubscribed", "consent_updated_at": None},
}
CONSENT_TOPIC = "customers_email_marketing_consent/update"


def published(vendor_specs: Path, topic: str) -> bytes:
    path = vendor_specs / "shopify" / "webhook_examples" / f"{topic}.json"
    return json.dumps(json.loads(path.read_text())["response"]).encode()


def event(payload: object, topic: str, **headers: str):
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    [one] = WEBHOOK.events(shopify(body, topic, **headers))
    return one


def changed(payload: dict, **values: object) -> dict:
    return {name: value for name, value in (payload | values).items() if value is not ...}


@pytest.mark.parametrize("topic", PUBLISHED)
def test_the_published_payload_of_each_topic_is_read(vendor_specs: Path, topic: str):
    body = published(vendor_specs, topic)
    asked = shopify(body, topic)
    WEBHOOK.verify(asked, [SECRET])
    one = event(body, topic)
    assert (one.topic, one.subject, one.occurred_at) == (topic, *PUBLISHED[topic])
    assert one.body == body


def test_topics_without_a_published_payload_are_read():
    consent = {
        "id": 1,
        "phone": "+33640000000",
        "sms_marketing_consent": {"state": "subscribed", "consent_updated_at": "2022-01-01T00:00Z"},
    }
    one = event(consent, "customers_marketing_consent/update")
    assert (one.subject, one.occurred_at) == ("1", NEW_YEAR)
    product = {"id": 5, "updated_at": "2022-01-01T00:00:00Z", "title": "Tea"}
    assert event(product, "products/update").subject == "5"
    assert PUBLISHED.keys() | {"customers_marketing_consent/update", "products/update"} == {*TOPICS}


def test_the_newer_names_of_the_headers_are_read():
    asked = shopify(json.dumps(CUSTOMER).encode(), "customers/update")
    newer = {name.removeprefix("x-"): value for name, value in asked.headers.items()}
    WEBHOOK.verify(replace(asked, headers=newer), [SECRET])
    assert WEBHOOK.events(replace(asked, headers=newer)) == WEBHOOK.events(asked)


def test_both_secrets_of_a_rotation_are_taken_and_a_third_is_not():
    body = b"{}"
    for secret in (SECRET, OLD_SECRET):
        WEBHOOK.verify(shopify(body, "carts/update", secret=secret), [SECRET, OLD_SECRET])
    with pytest.raises(SignatureRefused):
        WEBHOOK.verify(shopify(body, "carts/update", secret="third"), [SECRET, OLD_SECRET])
    with pytest.raises(SignatureRefused):
        WEBHOOK.verify(shopify(body, "carts/update"), [])


@given(body=st.binary(min_size=1), place=st.integers(0, 1000), bit=st.integers(0, 7))
def test_any_byte_of_the_body_counts(body: bytes, place: int, bit: int):
    asked = shopify(body, "carts/update")
    WEBHOOK.verify(asked, [SECRET])
    at = place % len(body)
    other = body[:at] + bytes([body[at] ^ 1 << bit]) + body[at + 1 :]
    with pytest.raises(SignatureRefused):
        WEBHOOK.verify(replace(asked, body=other), [SECRET])


def test_a_request_sent_again_under_new_headers_is_the_event_that_is_known():
    first = event(CUSTOMER, "customers/update", x_shopify_event_id="a", x_shopify_webhook_id="b")
    again = event(CUSTOMER, "customers/update", x_shopify_event_id="c", x_shopify_webhook_id="d")
    assert first.event_id == again.event_id
    later = changed(CUSTOMER, updated_at="2026-07-01T11:59:01+02:00")
    assert event(later, "customers/update").event_id != first.event_id
    assert event(CUSTOMER, "customers/create").event_id != first.event_id


def test_a_second_withdrawal_without_a_time_is_not_taken_for_the_first():
    first = event(CONSENT, CONSENT_TOPIC, x_shopify_event_id="a")
    retried = event(CONSENT, CONSENT_TOPIC, x_shopify_event_id="a")
    second = event(CONSENT, CONSENT_TOPIC, x_shopify_event_id="b")
    assert first.event_id == retried.event_id != second.event_id


def test_an_old_grant_without_a_time_does_not_come_back_under_new_headers():
    granted = changed(
        CONSENT, email_marketing_consent={"state": "subscribed", "consent_updated_at": None}
    )
    first = event(granted, CONSENT_TOPIC, x_shopify_event_id="a")
    assert event(granted, CONSENT_TOPIC, x_shopify_event_id="b").event_id == first.event_id


@pytest.mark.parametrize(
    ("payload", "topic", "reason"),
    [
        (CUSTOMER, "customers/delete", "lives"),
        (CUSTOMER, "orders/updated", "not of a Order"),
        (changed(CUSTOMER, admin_graphql_api_id=...), "orders/cancelled", "no cancelled_at"),
        (changed(CUSTOMER, updated_at=...), "customers/update", "no updated_at"),
        (changed(CUSTOMER, updated_at="2026-07-01"), "customers/update", "no time with a zone"),
        (changed(CUSTOMER, updated_at=5), "customers/update", "no time with a zone"),
        (changed(CUSTOMER, id=None), "customers/update", "no id"),
        (changed(CUSTOMER, id=True), "customers/update", "no id"),
        (changed(CONSENT, email_marketing_consent="yes"), CONSENT_TOPIC, "no object"),
        ([CUSTOMER], "customers/update", "no object"),
        (b"{", "customers/update", "no JSON"),
        (b"", "customers/update", "no JSON"),
        (CUSTOMER, "shop/redact", "not taken"),
        (CUSTOMER, "", "not taken"),
    ],
)
def test_what_is_not_as_its_topic_says_is_refused_without_its_values(payload, topic, reason):
    with pytest.raises(PayloadRefused, match=reason) as caught:
        event(payload, topic)
    assert "ann@" not in str(caught.value)


def test_an_order_of_nobody_is_its_own_subject():
    order = {"id": 9, "updated_at": "2022-01-01T00:00:00Z", "customer": None}
    assert event(order, "orders/create").subject == "9"
    cart = {"token": "t1", "updated_at": "2022-01-01T00:00:00Z"}
    assert event(cart, "checkouts/update").subject == "t1"


def test_identifiers_longer_than_a_float_holds_are_kept_to_the_last_digit():
    order = {"id": 1, "updated_at": "2022-01-01T00:00:00Z", "customer": {"id": 603851970716743426}}
    assert event(order, "orders/updated").subject == "603851970716743426"


def test_a_doubled_topic_is_refused():
    asked = request(json.dumps(CUSTOMER).encode(), {"x-shopify-topic": "a/b, customers/update"})
    with pytest.raises(PayloadRefused):
        WEBHOOK.events(asked)
