"""The gateway over real HTTP: what is acknowledged is in the inbox, what is not says why."""

import json
import threading
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from orchestration_assets.errors import RetriableError
from orchestration_assets.events.gateway.endpoint import Limits
from orchestration_assets.events.inbox import Inbox
from orchestration_assets.logs import configure_logging
from tests.unit.events.gateway_fixtures import SECRETS, Served, cart_updated, served, sign


@pytest.fixture
def up(inbox: Inbox):
    with served(inbox) as running:
        yield running


@pytest.fixture
def local(tmp_path):
    """An inbox in a file, for what does not depend on the engine."""
    opened = Inbox(f"sqlite:///{tmp_path / 'inbox.db'}")
    yield opened
    opened.close()


def payload(*names: str) -> bytes:
    return json.dumps([{"id": name, "subject": "7"} for name in names]).encode()


def test_a_signed_webhook_is_in_the_inbox_when_it_is_acknowledged(up: Served):
    answer = up.webhook(payload("a", "b"))
    assert (answer.status_code, answer.json()) == (200, {"accepted": 2, "duplicates": 0})
    leased = up.inbox.lease("worker", 10, 60)
    assert [(one.system, one.event_id, one.topic, one.subject) for one in leased] == [
        ("vendor", "a", "carts/update", "7"),
        ("vendor", "b", "carts/update", "7"),
    ]
    assert json.loads(leased[0].body) == {"id": "a", "subject": "7"}
    assert up.webhook(payload("b", "c")).json() == {"accepted": 1, "duplicates": 1}


def test_both_secrets_of_a_rotation_count_and_a_forged_one_does_not(up: Served):
    assert up.webhook(payload("a"), secret=SECRETS[1]).status_code == 200
    refused = up.webhook(payload("b"), secret="forged")
    assert refused.status_code == 401
    assert refused.json()["error"]["code"] == "not_authentic"
    assert [one["event_id"] for one in up.inbox.list()] == ["a"]
    assert up.held == []


def test_the_scheme_sees_the_address_that_the_vendor_called(up: Served):
    assert up.webhook(payload("a"), query="?shop=a%20b&x=%2F").status_code == 200


def test_a_header_that_comes_twice_is_no_signature(up: Served):
    path, body = "/v1/webhooks/vendor", payload("a")
    good = sign("https://in.example.com" + path, body)
    for headers in (
        [("x-signature", "forged"), ("x-signature", good)],
        [("x-signature", good)] * 2,
    ):
        assert up.client.post(path, content=body, headers=headers).status_code == 401


def test_an_authentic_payload_that_breaks_its_contract_is_kept_in_quarantine(up: Served):
    refused = up.webhook(b'{"no": "list"}')
    assert refused.status_code == 422
    assert "ann@example.com" not in refused.text
    ((system, stream, record),) = up.held
    assert (system, stream, record.rule) == ("vendor", "webhooks", "contract")
    assert record.raw_record == '{"no": "list"}'
    assert "ann@example.com" not in record.reason


def test_a_system_without_webhooks_is_not_found(up: Served):
    assert up.client.post("/v1/webhooks/unheard", content=b"{}").status_code == 404
    assert up.client.get("/v1/webhooks/vendor").status_code == 405
    assert up.client.get("/elsewhere").json()["error"]["code"] == "not_found"


def test_a_first_party_event_is_accepted_and_a_copy_is_known(up: Served):
    answer = up.events(cart_updated("e1"))
    assert (answer.status_code, answer.json()) == (202, {"event_id": "e1", "status": "accepted"})
    assert up.events(cart_updated("e1")).json()["status"] == "duplicate"
    (one,) = up.inbox.lease("worker", 10, 60)
    assert (one.system, one.topic) == ("events", "cart_updated")
    assert one.subject.startswith("email:")
    assert "ann" not in one.subject.lower()
    assert json.loads(one.body)["event_id"] == "e1"


def test_each_event_of_a_batch_has_its_own_result(up: Served):
    broken = cart_updated("e2", data={"cart_id": "c1"})
    answer = up.events([cart_updated("e1"), broken, cart_updated("e3"), cart_updated("e1"), 7])
    assert answer.status_code == 202
    results = answer.json()["results"]
    assert [one["status"] for one in results] == [
        "accepted", "refused", "accepted", "duplicate", "refused",
    ]  # fmt: skip
    assert "data.currency: Field required" in results[1]["errors"]
    assert len(up.inbox.list()) == 2
    assert [record.rule for _, _, record in up.held] == ["contract", "contract"]
    assert json.loads(up.held[0][2].raw_record) == broken
    assert up.events([broken]).status_code == 422


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"type": "cart_burnt"}, "type: must be"),
        ({"event_id": ""}, "event_id"),
        ({"event_id": "a\x00b"}, "event_id"),
        ({"customer": {}}, "customer"),
        ({"occurred_at": "2026-11-01T00:00:00"}, "occurred_at"),
        ({"occurred_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}, "future"),
        ({"ssn-of-ann": "x"}, "does not know"),
        ({"data": {"cart_id": "c", "currency": "eur", "total": 1, "items": []}}, "data.currency"),
    ],
)
def test_a_broken_contract_names_the_field_and_not_the_value(local: Inbox, change, reason):
    with served(local) as up:
        answer = up.events(cart_updated(**change))
        assert answer.status_code == 422
        assert any(reason in line for line in answer.json()["error"]["details"])
        assert "ann" not in answer.text.lower()
        assert len(up.held) == 1
        assert reason in up.held[0][2].reason
        assert local.list() == []


def test_keys_are_known_in_clear_and_hashed_and_no_other(local: Inbox):
    with served(local) as up:
        assert up.events(cart_updated("e1"), key="the app's own key").status_code == 202
        for key in ("wrong", "wrong again", "sha256:", "a key of the shop that is lon"):
            refused = up.events(cart_updated("e2"), key=key)
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"] == "Bearer"
        assert up.client.post("/v1/events", json=cart_updated("e3")).status_code == 401
        assert [one["event_id"] for one in local.list()] == ["e1"]
        assert up.held == []


def test_json_that_is_none_or_too_deep_is_refused(local: Inbox):
    with served(local, limits=Limits(depth=8)) as up:
        assert up.events(b"[nonsense").json()["error"]["code"] == "no_json"
        assert up.events(b"nonsense").status_code == 422
        assert up.events(b"[]").status_code == 400
        deep = up.events(b"[" * 9 + b"]" * 9)
        assert (deep.status_code, deep.json()["error"]["code"]) == (400, "too_deep")
        # Brackets inside of a text are no depth.
        brackets = cart_updated("e1", customer={"visitor_id": '[[[[{{{{{"\\[[[['})
        assert up.events(brackets).status_code == 202
        assert up.webhook(b"[" * 9 + b"]" * 9).status_code == 400


def test_a_batch_and_a_key_have_their_limits(local: Inbox):
    with served(local, limits=Limits(batch=3, events_per_s=2)) as up:
        assert up.events([cart_updated(f"{n}") for n in range(4)]).status_code == 413
        assert up.events([cart_updated(f"{n}") for n in range(3)]).status_code == 202
        refused = up.events([cart_updated(f"{n}") for n in range(3, 6)])
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        # Another key has a bucket of its own, and a forger empties none.
        assert up.events(cart_updated("9"), key="the app's own key").status_code == 202
        assert up.webhook(payload("a", "b", "c")).status_code == 200
        assert len(local.list()) == 7


def test_who_is_not_known_empties_no_bucket(local: Inbox):
    with served(local, limits=Limits(events_per_s=1)) as up:
        for _ in range(20):
            assert up.webhook(payload("a"), secret="forged").status_code == 401
        assert up.webhook(payload("a")).status_code == 200


def test_nothing_is_acknowledged_that_could_not_be_written(up: Served):
    up.inbox.accept([])
    with up.inbox.engine.begin() as connection:
        connection.exec_driver_sql("alter table inbox_events rename to elsewhere")
    for answer in (up.webhook(payload("a")), up.events(cart_updated("e1"))):
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
    assert up.client.get("/readyz").status_code == 503
    assert up.client.get("/healthz").status_code == 200
    with up.inbox.engine.begin() as connection:
        connection.exec_driver_sql("alter table elsewhere rename to inbox_events")
    assert up.inbox.list() == []
    assert up.client.get("/readyz").status_code == 200
    assert up.webhook(payload("a")).status_code == 200


def test_a_full_queue_is_503(tmp_path):
    inbox = Inbox(f"sqlite:///{tmp_path / 'inbox.db'}", capacity=1)
    with served(inbox) as up:
        assert up.webhook(payload("a", "b")).status_code == 503
        assert up.webhook(payload("a")).status_code == 200
    inbox.close()


def test_a_refused_event_that_cannot_be_kept_is_to_be_sent_again(local: Inbox):
    def hold(*_arguments):
        raise RetriableError("The state store is locked.", "wait")

    with served(local, hold=hold) as up:
        assert up.events(cart_updated("e1", type="cart_burnt")).status_code == 503


def test_figures_count_what_was_accepted_known_and_refused(local: Inbox):
    with served(local) as up:
        up.webhook(payload("a", "b"))
        up.webhook(payload("b", "c"))
        up.webhook(payload("d"), secret="forged")
        up.events([cart_updated("e1"), cart_updated("e2", type="cart_burnt")])
        assert up.metric('accord_gateway_accepted_events_total{source="vendor"}') == 3
        assert up.metric('accord_gateway_duplicate_events_total{source="vendor"}') == 1
        refused = 'accord_gateway_refused_total{reason="%s",source="%s"}'
        assert up.metric(refused % ("not_authentic", "vendor")) == 1
        assert up.metric(refused % ("contract", "events")) == 1
        assert up.metric('accord_gateway_request_seconds_count{source="vendor"}') == 3
        assert "accord_inbox_queue_events 0.0" in up.client.get("/metrics").text


def test_the_page_and_the_description_need_no_network(local: Inbox):
    with served(local) as up:
        document = up.client.get("/openapi.json").json()
        assert set(document["paths"]) >= {"/v1/events", "/v1/webhooks/{system}", "/healthz"}
        assert "CartUpdated" in document["components"]["schemas"]
        page = up.client.get("/docs").text
        assert "POST /v1/events" in page
        assert "http://" not in page
        assert "https://" not in page
        assert "<script" not in page


def test_neither_secrets_nor_persons_are_logged(local: Inbox, capfd: pytest.CaptureFixture):
    configure_logging("DEBUG", "json")
    with served(local) as up:
        up.events(cart_updated("e1", type="cart_burnt"))
        for _ in range(3):
            up.events(cart_updated("e1"), key="the wrong key of ann")
        up.webhook(b'{"email": "ann@example.com"}')
        up.webhook(payload("a"), secret="forged")
    said = capfd.readouterr().err.lower()
    # A flood of forgeries is no flood of lines.
    assert said.count("refused requests") == 4
    assert "ann" not in said
    assert "key of" not in said


def test_many_senders_at_once_are_each_answered_for_their_own(up: Served):
    answers: dict[int, dict] = {}

    def send(number: int) -> None:
        with httpx.Client(base_url=up.url, timeout=30) as client:
            for turn in range(10):
                name = f"{number}-{turn}"
                body = json.dumps(cart_updated(name))
                headers = {"authorization": "Bearer the app's own key"}
                answer = client.post("/v1/events", content=body, headers=headers)
                answers[number * 10 + turn] = answer.json() | {"sent": name}

    threads = [threading.Thread(target=send, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 120
    assert all(one["event_id"] == one["sent"] for one in answers.values())
    assert {one["status"] for one in answers.values()} == {"accepted"}
    assert len(up.inbox.list(limit=1_000)) == 120
