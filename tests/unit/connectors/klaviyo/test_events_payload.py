"""From rows to events: what goes where, what the vendor would refuse, how requests are cut."""

from typing import Any

import orjson
import pytest

from orchestration_assets.connectors.klaviyo import events_payload
from orchestration_assets.connectors.klaviyo.events_payload import (
    EventOptions,
    EventRequest,
    PreparedEvent,
    UnfitError,
    event_batches,
    prepare_event,
)
from orchestration_assets.errors import FatalError
from orchestration_assets.model import OutgoingRow

WANTED = {"metric_name": "Scored", "time": "at", "value": "worth", "value_currency": "unit"}
ROOT = "/data/attributes/events-bulk-create/data"


def prepared(payload: dict[str, Any], key: str = "k", target: str = "t@example.com", **more: Any):
    return prepare_event(OutgoingRow(key, target, payload), EventOptions.of({**WANTED, **more}))


def attributes(**payload: Any) -> dict[str, Any]:
    return prepared(payload).event["attributes"]


def some(count: int, **payload: Any) -> list[PreparedEvent]:
    return [
        prepared({"email": f"person{number % 3}@example.com", **payload}, key=f"k{number}")
        for number in range(count)
    ]


def test_keys_that_no_option_names_become_properties() -> None:
    payload = {"email": "a@example.com", "at": "2026-07-01T10:00:00+02:00", "worth": 9.5}
    event = prepared({**payload, "unit": "EUR", "score": 9, "answers": ["a"]}, key="key-1")
    assert event.profile == {"email": "a@example.com"}
    assert event.event == {
        "type": "event",
        "attributes": {
            "properties": {"score": 9, "answers": ["a"]},
            "metric": {"data": {"type": "metric", "attributes": {"name": "Scored"}}},
            "unique_id": "key-1",
            "time": "2026-07-01T10:00:00+02:00",
            "value": 9.5,
            "value_currency": "EUR",
        },
    }


def test_keys_of_options_that_the_journey_leaves_out_stay_properties() -> None:
    row = OutgoingRow("k", "a@example.com", {"time": "noon", "value": "much"})
    event = prepare_event(row, EventOptions.of({"metric_name": "Scored"}))
    assert event.event["attributes"]["properties"] == {"time": "noon", "value": "much"}
    assert not {"time", "value"} & event.event["attributes"].keys()


def test_the_target_key_names_the_profile_where_the_payload_does_not() -> None:
    assert prepared({"x": 1}, target="42", identifier="external_id").profile == {
        "external_id": "42"
    }


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("2026-07-01T10:00:00Z", "2026-07-01T10:00:00+00:00"),
        ("2026-07-01 10:00:00.5", "2026-07-01T10:00:00.500000+00:00"),
        ("2026-07-01", "2026-07-01T00:00:00+00:00"),
    ],
)
def test_a_time_without_offset_is_utc(given: str, sent: str) -> None:
    assert attributes(at=given)["time"] == sent


@pytest.mark.parametrize(("given", "sent"), [("120.50", 120.5), (7, 7), ("0", 0.0)])
def test_a_value_is_a_number_also_where_the_journey_gives_text(given: Any, sent: float) -> None:
    assert attributes(worth=given, unit="EUR")["value"] == sent


def test_nothing_is_said_of_what_is_null_and_no_currency_without_value() -> None:
    assert attributes(at=None, worth=None, unit="EUR", score=None).keys() == {
        "properties",
        "metric",
        "unique_id",
    }


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"at": "last Tuesday with Ada"}, "time_invalid"),
        ({"at": 1_767_225_600}, "time_invalid"),
        ({"worth": "12 Lovelace"}, "value_invalid"),
        ({"worth": True}, "value_invalid"),
        ({"worth": "nan"}, "value_invalid"),
        ({f"p{number}": 1 for number in range(401)}, "too_many_properties"),
        ({"note": {"deep": ["é" * 50_001]}}, "string_too_large"),
        ({f"p{number}": "x" * 99_000 for number in range(60)}, "event_too_large"),
    ],
)
def test_what_the_vendor_would_refuse_is_unfit_and_no_value_is_told(
    payload: dict[str, Any], code: str
) -> None:
    with pytest.raises(UnfitError, match=f"^{code}: ") as caught:
        prepared(payload)
    assert not {"Ada", "Lovelace"} & set(str(caught.value).split())


def test_what_is_just_within_the_limits_is_fit() -> None:
    assert prepared({f"p{number}": 1 for number in range(400)})
    assert prepared({"note": "x" * 100_000})


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "metric_name"),
        ({"metric_name": "  "}, "metric_name"),
        ({"metric_name": "x" * 128}, "less than 128"),
        ({"metric_name": "Scored", "identifier": "loyalty_card"}, "external_id"),
    ],
)
def test_wrong_options_say_what_to_write_into_the_yaml(options: dict, told: str) -> None:
    with pytest.raises(FatalError, match=told) as caught:
        EventOptions.of(options)
    assert "journey's YAML" in caught.value.next_step


def test_requests_hold_at_most_a_thousand_events_and_every_event_once() -> None:
    batches = list(event_batches(some(2_001)))
    assert [len(batch) for batch in batches] == [1_000, 1_000, 1]
    keys = [event.row.idempotency_key for batch in batches for event in batch]
    assert keys == [f"k{number}" for number in range(2_001)]


def test_no_unique_id_stands_twice_in_a_request() -> None:
    twice = [*some(2), *some(2)]
    keys = [[event.row.idempotency_key for event in batch] for batch in event_batches(twice)]
    assert keys == [["k0", "k1"], ["k0", "k1"]]


def test_a_request_is_never_larger_than_it_was_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_payload, "MAX_REQUEST_BYTES", 20_000)
    batches = list(event_batches(some(200, note="é" * 100)))
    sizes = [len(orjson.dumps(EventRequest(batch).document)) for batch in batches]
    assert len(batches) > 1
    assert max(sizes) <= 20_000
    assert sizes[0] > 10_000, "and not much smaller either"


def test_events_are_grouped_by_profile_and_pointers_find_their_rows() -> None:
    request = EventRequest(some(7))
    groups = request.document["data"]["attributes"]["events-bulk-create"]["data"]
    held = [
        [entry["attributes"]["unique_id"] for entry in group["attributes"]["events"]["data"]]
        for group in groups
    ]
    assert held == [["k0", "k3", "k6"], ["k1", "k4"], ["k2", "k5"]]
    assert list(request.rows_at(f"{ROOT}/1/attributes/events/data/1/attributes/time")) == [4]
    assert list(request.rows_at(f"{ROOT}/0/attributes/profile/data/attributes/email")) == [0, 3, 6]
    for nothing in (f"{ROOT}/9", f"{ROOT}/0/attributes/events/data/9", ROOT, "/data", ""):
        assert list(request.rows_at(nothing)) == []
