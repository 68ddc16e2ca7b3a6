"""The schemes by which vendors prove a webhook theirs."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.connectors.kit.signatures import (
    BodySignature,
    HeaderSecret,
    PathSecret,
    StandardWebhooks,
    TimedSignature,
)
from orchestration_assets.connectors.kit.webhooks import SignatureRefused, WebhookRequest
from tests.unit.connectors.webhook_requests import NOW, OLD_SECRET, SECRET, digest, request

BODY = b'{"id": 1, "name": "Ann"}'
KEY = "whsec_" + base64.b64encode(b"k" * 24).decode()
OLD_KEY = "whsec_" + base64.b64encode(b"o" * 24).decode()


def slack(request: WebhookRequest, timestamp: str) -> bytes:
    return b"v0:" + timestamp.encode() + b":" + request.body


def timed(body: bytes = BODY, secret: str = SECRET, at: datetime = NOW) -> WebhookRequest:
    timestamp = str(int(at.timestamp()))
    headers = {"x-time": timestamp, "x-signature": digest(secret, timestamp.encode() + body)}
    return request(body, headers)


def standard(body: bytes = BODY, *keys: str, at: datetime = NOW) -> WebhookRequest:
    """Signed by the published package, with every key."""
    signatures = [
        # The package takes the clock's own time for UTC.
        standardwebhooks.Webhook(key).sign("msg_1", at.replace(tzinfo=None), body.decode())
        for key in keys or (KEY,)
    ]
    return request(
        body,
        {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(signatures),
        },
    )


TIMED = TimedSignature("x-signature", "x-time", lambda one, at: at.encode() + one.body)
BY_BODY = BodySignature(("x-signature", "signature"))
SIGNED = {
    "body": (BY_BODY, request(BODY, {"x-signature": digest(SECRET, BODY)}), SECRET, OLD_SECRET),
    "time": (TIMED, timed(), SECRET, OLD_SECRET),
    "standard": (StandardWebhooks(), standard(), KEY, OLD_KEY),
}
SECRETS = {
    "header": (
        HeaderSecret(),
        request(BODY, {"authorization": f"Bearer {SECRET}"}),
        SECRET,
        OLD_SECRET,
    ),
    "path": (PathSecret(), request(BODY, url=f"https://x.example/v1/{SECRET}?a=b"), SECRET, "old"),
}
EVERY = SIGNED | SECRETS


@pytest.mark.parametrize("name", EVERY)
def test_both_secrets_of_a_rotation_are_taken_and_a_third_is_not(name: str):
    scheme, asked, secret, other = EVERY[name]
    for secrets in ([secret], [secret, other], [other, secret]):
        scheme.verify(asked, secrets)
    with pytest.raises(SignatureRefused, match="none of the secrets") as caught:
        scheme.verify(asked, [other])
    assert secret not in str(caught.value)
    assert "Ann" not in str(caught.value)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("secrets", [[], [""], [" ", ""]])
def test_without_a_secret_nothing_is_taken(name: str, secrets: list[str]):
    scheme, asked, _, _ = EVERY[name]
    with pytest.raises(SignatureRefused, match="No usable secret"):
        scheme.verify(asked, secrets)


def test_what_is_signed_with_an_empty_secret_is_not_taken_beside_a_real_one():
    forged = request(BODY, {"x-signature": digest("", BODY)})
    with pytest.raises(SignatureRefused):
        BY_BODY.verify(forged, [SECRET, ""])


@pytest.mark.parametrize("name", [name for name in EVERY if name != "path"])
def test_a_header_that_is_missing_or_doubled_is_named(name: str):
    scheme, asked, secret, _ = EVERY[name]
    for header, value in asked.headers.items():
        lacking = {key: kept for key, kept in asked.headers.items() if key != header}
        for headers, reason in (
            (lacking, "is missing"),
            (lacking | {header: ""}, "is missing"),
            (lacking | {header: f"{value}, {value}"}, "more than once"),
        ):
            with pytest.raises(SignatureRefused, match=f"{header} .*{reason}|{header} {reason}"):
                scheme.verify(replace(asked, headers=headers), [secret])


def test_two_names_of_one_header_must_agree():
    right = digest(SECRET, BODY)
    BY_BODY.verify(request(BODY, {"signature": right}), [SECRET])
    BY_BODY.verify(request(BODY, {"signature": right, "x-signature": right}), [SECRET])
    with pytest.raises(SignatureRefused, match="more than once"):
        BY_BODY.verify(request(BODY, {"signature": right, "x-signature": "other"}), [SECRET])


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_time_within_the_window_is_taken(seconds: int):
    at = NOW + timedelta(seconds=seconds)
    TIMED.verify(timed(at=at), [SECRET])
    StandardWebhooks().verify(standard(at=at), [KEY])


@pytest.mark.parametrize(("seconds", "reason"), [(-301, "old"), (301, "ahead"), (1e9, "ahead")])
def test_a_stale_or_future_time_is_refused_however_well_it_is_signed(seconds: float, reason: str):
    at = NOW + timedelta(seconds=seconds)
    with pytest.raises(SignatureRefused, match=reason):
        TIMED.verify(timed(at=at), [SECRET])
    with pytest.raises(SignatureRefused, match=reason):
        StandardWebhooks().verify(standard(at=at), [KEY])


@pytest.mark.parametrize("text", ["now", "-1", "1e3", "1.5", "\u0661\u0662", "9" * 15, "nan"])
def test_what_is_no_time_is_refused(text: str):
    with pytest.raises(SignatureRefused, match="no time"):
        TIMED.verify(request(BODY, {"x-signature": "s", "x-time": text}), [SECRET])


@pytest.mark.parametrize("name", SIGNED)
def test_json_that_says_the_same_in_other_bytes_is_refused(name: str):
    scheme, asked, secret, _ = SIGNED[name]
    again = json.dumps(json.loads(BODY), separators=(",", ":")).encode()
    with pytest.raises(SignatureRefused):
        scheme.verify(replace(asked, body=again), [secret])


@pytest.mark.parametrize("name", SIGNED)
@given(place=st.integers(0, len(BODY) - 1), value=st.integers(0, 255))
def test_any_byte_of_the_body_counts(name: str, place: int, value: int):
    scheme, asked, secret, _ = SIGNED[name]
    changed = BODY[:place] + bytes([value]) + BODY[place + 1 :]
    if changed == BODY:
        return
    with pytest.raises(SignatureRefused):
        scheme.verify(replace(asked, body=changed), [secret])


@pytest.mark.parametrize("name", EVERY)
@given(place=st.integers(0, 400), character=st.characters())
def test_any_character_of_a_header_counts(name: str, place: int, character: str):
    scheme, asked, secret, _ = EVERY[name]
    for header, value in asked.headers.items():
        at = place % len(value)
        changed = value[:at] + character + value[at + 1 :]
        if changed.strip() == value:
            continue
        with pytest.raises(SignatureRefused):
            scheme.verify(replace(asked, headers={**asked.headers, header: changed}), [secret])


def test_hex_and_a_prefix_are_told_by_slacks_published_vector(vendor_specs: Path):
    [vector] = json.loads((vendor_specs / "signatures" / "vectors.json").read_text())["slack"]
    prefixed = vector["signature"].removeprefix("v0=")
    at = datetime.fromtimestamp(int(vector["timestamp_s"]), UTC)
    asked = request(
        vector["body"].encode(), {"sig": prefixed, "time": vector["timestamp_s"]}, at=at
    )
    scheme = TimedSignature("sig", "time", slack, encoding="hex")
    scheme.verify(asked, [vector["signing_secret"]])
    whole = BodySignature(("sig",), "hex", prefix="v0=")
    # The same digest, taken as one over the whole of what Slack signs.
    body = slack(asked, vector["timestamp_s"])
    whole.verify(request(body, {"sig": vector["signature"]}), [vector["signing_secret"]])


def test_one_right_signature_among_several_is_enough():
    asked = standard(BODY, OLD_KEY, KEY)
    StandardWebhooks().verify(asked, [KEY])
    asked = replace(
        asked,
        headers={
            **asked.headers,
            "webhook-signature": "v2,x junk " + asked.headers["webhook-signature"],
        },
    )
    StandardWebhooks().verify(asked, [OLD_KEY])


def test_what_is_taken_here_is_taken_by_the_published_package_too():
    at = datetime.now(UTC)
    asked = standard(at=at)
    standardwebhooks.Webhook(KEY).verify(asked.body, dict(asked.headers))
    StandardWebhooks().verify(replace(asked, received_at=at), [KEY.removeprefix("whsec_")])


def test_a_secret_that_is_no_base64_is_none():
    with pytest.raises(SignatureRefused, match="No usable secret"):
        StandardWebhooks().verify(standard(), ["whsec_not base64!"])
