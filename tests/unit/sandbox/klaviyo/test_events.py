"""Events, one at a time and in bulk: what happens, what is refused, what is told of deliveries."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from sandbox import control
from sandbox.faults import Profile
from tests.support.lacking import skip_or_fail
from tests.unit.sandbox.klaviyo.conftest import READ_ONLY
from tests.unit.sandbox.serving import serving

PATH = "/api/event-bulk-create-jobs"
ROOT = "/data/attributes/events-bulk-create/data"
FIRST = f"{ROOT}/0/attributes/events/data/0/attributes"
MEDIA_TYPE = "application/vnd.api+json"


def an_event(unique_id: str | None, metric: str = "Answered", **attributes: Any) -> dict:
    given = {
        "properties": {"score": 9},
        "metric": {"data": {"type": "metric", "attributes": {"name": metric}}},
        "unique_id": unique_id,
        **attributes,
    }
    return {"type": "event", "attributes": given}


def part(email: str, *events: dict) -> dict:
    profile = {"type": "profile", "attributes": {"email": email}}
    inner = {"profile": {"data": profile}, "events": {"data": list(events)}}
    return {"type": "event-bulk-create", "attributes": inner}


def bulk(*parts: dict) -> dict:
    inner = {"events-bulk-create": {"data": list(parts)}}
    return {"data": {"type": "event-bulk-create-job", "attributes": inner}}


def single(unique_id: str, email: str = "fan@example.com", **attributes: Any) -> dict:
    made = an_event(unique_id, **attributes)
    profile = {"type": "profile", "attributes": {"email": email}}
    made["attributes"]["profile"] = {"data": profile}
    return {"data": made}


def events_of(an_account, metric: str) -> list[dict]:
    """The events of a metric, as they are read."""
    metrics = an_account.get("/api/metrics").json()["data"]
    (metric_id,) = [m["id"] for m in metrics if m["attributes"]["name"] == metric]
    asked = {"filter": f'equals(metric_id,"{metric_id}")', "sort": "datetime"}
    return an_account.get("/api/events", **asked).json()["data"]


def received(an_account, **params: str) -> dict:
    with serving(control.create_app(an_account.context)) as url:
        return httpx.get(f"{url}/klaviyo/events-received", params=params).json()


@pytest.fixture
def vendor(vendor_specs: Path) -> OpenAPI:
    source = Path(vendor_specs) / "klaviyo" / "events.json"
    if not source.exists():
        skip_or_fail(f"The vendor's file is absent: {source}")
    return OpenAPI.from_dict(orjson.loads(source.read_bytes()))


def test_events_in_bulk_are_read_back_with_their_new_profile_and_metric(account):
    an_account = account(30)
    worth = {"value": 12.5, "value_currency": "EUR"}
    body = bulk(
        part("new@example.com", an_event("a", time="2026-01-02T03:04:05.9+01:00", **worth)),
        part("other@example.com", an_event("b"), an_event("c")),
    )
    before = time.time()
    answer = an_account.post(PATH, body)
    assert (answer.status_code, answer.content) == (202, b"")
    assert answer.headers["RateLimit-Remaining"]
    shown = events_of(an_account, "Answered")
    assert [event["attributes"]["datetime"] for event in shown[:1]] == ["2026-01-02T02:04:05+00:00"]
    assert shown[0]["attributes"]["event_properties"] == {
        "score": 9,
        "$value": 12.5,
        "$currency_code": "EUR",
    }
    assert len(shown) == 3
    assert shown[-1]["attributes"]["timestamp"] >= int(before)
    (made,) = an_account.get("/api/profiles", filter='equals(email,"new@example.com")').json()[
        "data"
    ]
    assert shown[0]["relationships"]["profile"]["data"]["id"] == made["id"]
    assert made["attributes"]["last_event_date"] == "2026-01-02T02:04:05+00:00"
    assert [row["unique_id"] for row in an_account.rows()] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("path", "make"),
    [("/api/events", single), (PATH, lambda key: bulk(part("fan@example.com", an_event(key))))],
)
def test_an_event_takes_effect_once_for_its_unique_id(
    account, path: str, make: Callable[[str], dict]
):
    an_account = account(30)
    before = len(an_account.world.tables["klaviyo.events"])
    statuses = [an_account.post(path, make("answer-1")).status_code for _ in range(2)]
    assert statuses == [202, 202]
    assert len(an_account.world.tables["klaviyo.events"]) == before + 1
    assert [row["unique_id"] for row in an_account.rows()] == ["answer-1"]


def test_a_unique_id_counts_by_profile_and_metric(account):
    an_account = account(30)
    before = len(an_account.world.tables["klaviyo.events"])
    body = bulk(
        part("a@example.com", an_event("same"), an_event("same", metric="Other")),
        part("b@example.com", an_event("same")),
    )
    assert an_account.post(PATH, body).status_code == 202
    assert len(an_account.world.tables["klaviyo.events"]) == before + 3


def test_every_delivery_is_told_with_its_time_in_one_call(account):
    an_account = account(30)
    began = time.time()
    an_account.post(PATH, bulk(part("a@example.com", an_event("once"), an_event("twice"))))
    middle = time.time()
    an_account.post(PATH, bulk(part("a@example.com", an_event("twice"))))
    an_account.post("/api/events", single("elsewhere", metric="Other"))
    told = received(an_account, metric="Answered")
    assert (told["deliveries"], told["distinct"], told["forgotten"]) == (3, 2, 0)
    assert told["doubled"] == {"twice": 2}
    keys = [(event["unique_id"], event["took_effect"]) for event in told["events"]]
    assert keys == [("once", True), ("twice", True), ("twice", False)]
    assert {event["email"] for event in told["events"]} == {"a@example.com"}
    first, _, last = (event["seen_at"] for event in told["events"])
    assert began <= first <= middle <= last <= time.time()
    assert first % 1, "fractions of a second"
    assert received(an_account)["deliveries"] == 4


@pytest.mark.parametrize(
    ("attributes", "pointer"),
    [
        ({"metric": None}, f"{FIRST}/metric"),
        ({"metric": {"data": {"attributes": {"name": "x" * 128}}}}, f"{FIRST}/metric/data/"),
        ({"properties": None}, f"{FIRST}/properties"),
        ({"properties": {str(number): 1 for number in range(401)}}, f"{FIRST}/properties"),
        ({"properties": {"note": ["x" * 100_001]}}, f"{FIRST}/properties/note"),
        ({"time": "yesterday"}, f"{FIRST}/time"),
        ({"time": "1990-12-31T00:00:00Z"}, f"{FIRST}/time"),
        ({"time": "2099-01-01T00:00:00Z"}, f"{FIRST}/time"),
        ({"value": "12"}, f"{FIRST}/value"),
        ({"value": 1, "value_currency": 978}, f"{FIRST}/value_currency"),
        ({"unique_id": 7}, f"{FIRST}/unique_id"),
    ],
)
def test_a_wrong_event_is_named_and_nothing_of_the_request_happens(
    account, attributes: dict, pointer: str
):
    an_account = account(30)
    before = len(an_account.world.tables["klaviyo.events"])
    wrong, right = an_event("a"), an_event("b")
    wrong["attributes"] |= attributes
    body = bulk(part("a@example.com", wrong), part("b@example.com", right))
    answer = an_account.post(PATH, body)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["source"]["pointer"].startswith(pointer)
    assert len(an_account.world.tables["klaviyo.events"]) == before
    assert not received(an_account)["events"]


def test_each_wrong_event_has_an_error_of_its_own(account):
    an_account = account(30)
    body = bulk(
        part("no address", an_event("a"), an_event("b")),
        part("b@example.com", an_event("c", time="x"), an_event("d"), an_event("e", value="x")),
        part("c@example.com", an_event("f"), an_event("f")),
        part("C@example.com", an_event("f")),
        part("d@example.com"),
    )
    errors = an_account.post(PATH, body).json()["errors"]
    assert [error["source"]["pointer"].removeprefix(ROOT) for error in errors] == [
        "/0/attributes/profile/data/attributes/email",
        "/1/attributes/events/data/0/attributes/time",
        "/1/attributes/events/data/2/attributes/value",
        "/2/attributes/events/data/1/attributes/unique_id",
        "/3/attributes/events/data/0/attributes/unique_id",
        "/4/attributes/events/data",
    ]
    assert len({error["id"] for error in errors}) == len(errors)


def test_a_request_beyond_the_vendors_limits_is_refused(account):
    an_account = account(30)
    many = [an_event(str(number)) for number in range(1_001)]
    assert an_account.post(PATH, bulk(part("a@example.com", *many))).status_code == 400
    assert an_account.post(PATH, bulk(part("a@example.com", *many[1:]))).status_code == 202
    heavy = an_event("heavy", properties={str(n): "x" * 99_000 for n in range(51)})
    assert an_account.post(PATH, bulk(part("a@example.com", heavy))).status_code == 413
    assert an_account.post(PATH, bulk()).status_code == 400
    assert received(an_account)["deliveries"] == 1_000


def test_bulk_requests_beyond_the_burst_are_throttled(account):
    an_account = account(30, tier="standard")
    bodies = [bulk(part("a@example.com", an_event(str(number)))) for number in range(25)]
    answers = [an_account.post(PATH, body) for body in bodies]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert int(refused[0].headers["Retry-After"]) >= 1
    assert received(an_account)["deliveries"] == len(answers) - len(refused)


def test_an_event_that_fails_does_so_as_often_as_it_is_sent(account):
    an_account = account(30)
    an_account.context.faults.set("klaviyo", Profile.PARTIAL_FAILURES, share=0.25)
    events = [an_event(str(number)) for number in range(8)]
    refused = [
        an_account.post(PATH, bulk(part("a@example.com", *events))).json()["errors"]
        for _ in range(2)
    ]
    pointers = [[error["source"]["pointer"] for error in errors] for errors in refused]
    assert pointers[0] == pointers[1]
    assert len(pointers[0]) == 2
    left = [event for number, event in enumerate(events) if number not in (3, 7)]
    assert an_account.post(PATH, bulk(part("a@example.com", *left))).status_code == 202


def test_a_key_without_the_scope_may_not_send_events(account):
    headers = {"Authorization": f"Klaviyo-API-Key {READ_ONLY}"}
    body = bulk(part("a@example.com", an_event("a")))
    assert account(30).client.post(PATH, headers=headers, json=body).status_code == 403


def test_answers_to_events_are_valid_under_the_vendors_file(account, vendor: OpenAPI):
    an_account = account(30)
    right = bulk(part("a@example.com", an_event("a")))
    wrong = bulk(part("a@example.com", an_event("b", time="x"), an_event("c", value="x")))
    for body, status in ((right, 202), (wrong, 400)):
        answer = an_account.post(PATH, body)
        assert answer.status_code == status
        request = MockRequest(
            "https://a.klaviyo.com",
            "post",
            PATH,
            headers={"revision": "2026-07-15"},
            data=orjson.dumps(body),
            content_type=MEDIA_TYPE,
        )
        vendor.validate_response(
            request, MockResponse(answer.content, status, content_type=MEDIA_TYPE)
        )


def test_the_vendors_client_sends_events_and_reads_them_back(account):
    an_account = account(30)
    sdk = an_account.sdk()
    sdk.Events.bulk_create_events(bulk(part("sdk@example.com", an_event("a"), an_event("b"))))
    sdk.Events.create_event(single("c", email="sdk@example.com"))
    (person,) = sdk.Profiles.get_profiles(filter='equals(email,"sdk@example.com")').data
    found = sdk.Events.get_events(filter=f'equals(profile_id,"{person.id}")').data
    assert [event.attributes.event_properties for event in found] == [{"score": 9}] * 3
