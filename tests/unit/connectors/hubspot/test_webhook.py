"""HubSpot's webhooks: signature v3, told by its published vector and its SDK, and its batches."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from hubspot.utils.signature import Signature
from hypothesis import assume, given
from hypothesis import strategies as st

from orchestration_assets.connectors.hubspot.webhook import HubSpotWebhook, signed_message
from orchestration_assets.connectors.kit.webhooks import PayloadRefused, SignatureRefused
from tests.unit.connectors.webhook_requests import (
    NOW,
    OLD_SECRET,
    SECRET,
    URL,
    hubspot,
    request,
)

WEBHOOK = HubSpotWebhook()
CHANGED = {
    "eventId": 3816279340,
    "subscriptionId": 25,
    "portalId": 33,
    "appId": 1160452,
    "occurredAt": 1462216307945,
    "subscriptionType": "contact.propertyChange",
    "attemptNumber": 0,
    "objectId": 1246965,
    "propertyName": "lifecyclestage",
    "propertyValue": "subscriber",
    "changeSource": "ACADEMY",
}
BATCH = json.dumps([CHANGED, CHANGED | {"eventId": 2, "objectId": 7}]).encode()


def events(*payload: object):
    return WEBHOOK.events(hubspot(json.dumps(payload).encode()))


def without(name: str, **more: object) -> dict:
    return {key: value for key, value in CHANGED.items() if key != name} | more


def test_the_published_vector_is_taken(vendor_specs: Path):
    text = (vendor_specs / "signatures" / "vectors.json").read_text()
    [vector] = [one for one in json.loads(text)["hubspot"] if one["version"] == "v3"]
    headers = {
        "x-hubspot-signature-v3": vector["signature"],
        "x-hubspot-request-timestamp": vector["timestamp_ms"],
    }
    at = datetime.fromtimestamp(int(vector["timestamp_ms"]) / 1000, UTC)
    asked = request(
        vector["body"].encode(), headers, url=vector["url"], method=vector["method"], at=at
    )
    WEBHOOK.verify(asked, [vector["client_secret"]])
    with pytest.raises(SignatureRefused, match="none of the secrets"):
        WEBHOOK.verify(replace(asked, method="PUT"), [vector["client_secret"]])
    with pytest.raises(SignatureRefused, match="old"):
        WEBHOOK.verify(
            replace(asked, received_at=at + timedelta(minutes=6)), [vector["client_secret"]]
        )


@given(body=st.text(), part=st.text("abcXYZ09-_", min_size=1), secret=st.text("abc123", min_size=1))
def test_what_hubspots_sdk_signs_is_taken_and_what_is_taken_its_sdk_takes(
    body: str, part: str, secret: str
):
    assume(body.encode("utf-8", "ignore").decode() == body)
    at = datetime.now(UTC)
    timestamp = str(int(at.timestamp() * 1000))
    url = f"{URL}/{part}?a=b&c=d"
    signature = Signature.get_signature(secret, body, "v3", url, "POST", timestamp)
    headers = {"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": timestamp}
    WEBHOOK.verify(request(body.encode(), headers, url=url, at=at), [secret])
    ours = hubspot(body.encode(), secret=secret, url=url, at=at)
    assert Signature.is_valid(
        ours.headers["x-hubspot-signature-v3"], secret, body, url, "POST", "v3", timestamp
    )


def test_the_characters_that_hubspot_signs_decoded_are_decoded_and_no_others():
    signed = "https://x.example/a/b:c?q=/?@!$'()*,;%20%26%25"
    for escaped in ("%2F%3F%40%21%24%27%28%29%2A%2C%3B", "%2f%3f%40%21%24%27%28%29%2a%2c%3b"):
        called = f"https://x.example/a/b%3Ac?q={escaped}%20%26%25"
        WEBHOOK.verify(hubspot(BATCH, url=called, signed_url=signed), [SECRET])
    assert signed_message(request(b"", url=signed), "") == b"POST" + signed.encode()
    assert quote(" &%+", safe="") in signed_message(request(b"", url="%20%26%25%2B"), "").decode()


def test_a_signature_over_the_first_event_alone_is_refused():
    first = hubspot(json.dumps([CHANGED]).encode())
    with pytest.raises(SignatureRefused):
        WEBHOOK.verify(replace(first, body=BATCH), [SECRET])


def test_the_same_batch_in_other_bytes_is_refused():
    again = json.dumps(json.loads(BATCH), indent=1).encode()
    with pytest.raises(SignatureRefused):
        WEBHOOK.verify(replace(hubspot(BATCH), body=again), [SECRET])


def test_both_secrets_of_a_rotation_are_taken_and_a_third_is_not():
    for secret in (SECRET, OLD_SECRET):
        WEBHOOK.verify(hubspot(BATCH, secret=secret), [SECRET, OLD_SECRET])
    with pytest.raises(SignatureRefused):
        WEBHOOK.verify(hubspot(BATCH, secret="third"), [SECRET, OLD_SECRET])
    with pytest.raises(SignatureRefused):
        WEBHOOK.verify(hubspot(BATCH), [])


@pytest.mark.parametrize(("seconds", "reason"), [(-301, "old"), (301, "ahead")])
def test_a_stale_or_future_request_is_refused(seconds: int, reason: str):
    with pytest.raises(SignatureRefused, match=reason):
        WEBHOOK.verify(hubspot(BATCH, at=NOW + timedelta(seconds=seconds)), [SECRET])


@pytest.mark.parametrize("header", ["x-hubspot-signature-v3", "x-hubspot-request-timestamp"])
def test_a_missing_header_is_named_and_an_older_signature_does_not_stand_in(header: str):
    asked = hubspot(BATCH)
    lacking = {name: value for name, value in asked.headers.items() if name != header}
    with pytest.raises(SignatureRefused, match=f"{header} is missing"):
        WEBHOOK.verify(replace(asked, headers=lacking | {"x-hubspot-signature": "v1"}), [SECRET])


@given(place=st.integers(0, 10_000), character=st.characters(max_codepoint=255))
def test_any_character_of_body_address_and_time_counts(place: int, character: str):
    asked = hubspot(BATCH, url=URL + "?tenant=one")
    at = place % len(BATCH)
    body = BATCH[:at] + character.encode("latin-1") + BATCH[at + 1 :]
    at = place % len(asked.url)
    url = asked.url[:at] + character + asked.url[at + 1 :]
    time = asked.headers["x-hubspot-request-timestamp"]
    at = place % len(time)
    other_time = time[:at] + character + time[at + 1 :]
    headers = {**asked.headers, "x-hubspot-request-timestamp": other_time}
    tampered = [
        replace(asked, body=body),
        replace(asked, url=url),
        *([replace(asked, headers=headers)] if other_time.strip() != time else []),
    ]
    for one in tampered:
        if one != asked:
            with pytest.raises(SignatureRefused):
                WEBHOOK.verify(one, [SECRET])


def test_what_is_shifted_from_one_signed_part_to_the_next_reads_as_no_batch():
    """Nothing stands between the signed parts; what is shifted must not read as a batch."""
    asked = hubspot(BATCH)
    shifted = replace(asked, url=asked.url + "[", body=BATCH[1:])
    WEBHOOK.verify(shifted, [SECRET])
    with pytest.raises(PayloadRefused):
        WEBHOOK.events(shifted)


def test_each_event_of_a_batch_is_one():
    first, second = WEBHOOK.events(hubspot(BATCH))
    assert (first.subject, second.subject) == ("1246965", "7")
    assert first.topic == "contact.propertyChange"
    assert first.occurred_at == datetime(2016, 5, 2, 19, 11, 47, 945000, tzinfo=UTC)
    assert json.loads(first.body) == CHANGED
    assert first.event_id.startswith("3816279340.")
    assert WEBHOOK.events(hubspot(b"[]")) == []


def test_a_later_attempt_is_the_same_event_in_whatever_batch_it_comes():
    [alone] = events(CHANGED | {"attemptNumber": 3})
    assert alone.event_id == WEBHOOK.events(hubspot(BATCH))[0].event_id
    reordered = dict(reversed(CHANGED.items()))
    assert events(reordered)[0].event_id == alone.event_id


def test_an_event_id_that_hubspot_gave_twice_is_two_events():
    first, second = events(CHANGED, CHANGED | {"objectId": 2})
    assert first.event_id != second.event_id


@pytest.mark.parametrize(
    ("one", "subject"),
    [
        (without("objectId", fromObjectId=5, toObjectId=6), "5"),
        (without("objectId", primaryObjectId=8, mergedObjectIds=[9]), "8"),
        (without("objectId", objectId="12"), "12"),
    ],
)
def test_associations_and_merges_have_a_subject(one: dict, subject: str):
    assert events(one)[0].subject == subject


def test_the_newer_name_of_the_topic_is_read():
    [one] = events(without("subscriptionType", eventType="object.creation"))
    assert one.topic == "object.creation"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{}", "no list"),
        (b"not json", "no JSON"),
        (json.dumps([CHANGED, 5]).encode(), "Event 1 of the batch is no object"),
        (json.dumps([without("objectId")]).encode(), "no objectId"),
        (json.dumps([without("subscriptionType")]).encode(), "no subscriptionType"),
        (json.dumps([without("eventId")]).encode(), "no eventId"),
        (json.dumps([CHANGED | {"occurredAt": "now"}]).encode(), "no time"),
        (json.dumps([CHANGED | {"occurredAt": 10**19}]).encode(), "no time"),
    ],
)
def test_what_is_not_as_the_contract_says_is_refused(payload: bytes, reason: str):
    with pytest.raises(PayloadRefused, match=reason):
        WEBHOOK.events(hubspot(payload))
