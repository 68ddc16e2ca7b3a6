"""Writing HubSpot contacts over real HTTP."""

import json
import time

import pytest
from werkzeug import Response

from orchestration_assets.connectors.hubspot.writer import HubSpotContactsWriter
from orchestration_assets.connectors.kit.http import RetryPolicy
from orchestration_assets.errors import FatalError
from orchestration_assets.model import OutgoingRow, RowResult, RowStatus

QUICK = RetryPolicy(attempts=2, seconds=10, wait_initial=0.01, wait_max=0.05, wait_jitter=0.0)


def rows(count: int, first: int = 0, **payload: object) -> list[OutgoingRow]:
    return [
        OutgoingRow(f"key-{n}", f"p{n}@example.com", payload or {"accord_segment": "active"})
        for n in range(first, first + count)
    ]


def writer(account, **options: object) -> HubSpotContactsWriter:
    return HubSpotContactsWriter(account.connection, policy=QUICK, **options)


def by_key(results: list[RowResult]) -> dict[str, RowResult]:
    found = {result.idempotency_key: result for result in results}
    assert len(found) == len(results), "one result a row"
    return found


def reply(body: object, status: int = 200) -> Response:
    return Response(json.dumps(body), status=status, content_type="application/json")


def test_rows_go_out_in_batches_of_a_hundred_and_are_confirmed(account) -> None:
    found = by_key(writer(account).write(rows(250), {}))
    assert sorted(map(len, account.upserts)) == [50, 100, 100]
    assert len(found) == 250
    assert {result.status for result in found.values()} == {RowStatus.CONFIRMED}
    assert all(result.vendor_reference for result in found.values())


def test_a_row_carries_its_key_address_and_text_values(account) -> None:
    payload = {
        "accord_lifetime_value": 12.5,
        "accord_order_count": 3,
        "accord_last_order_date": "2026-01-31",
        "accord_segment": None,
    }
    writer(account).write([OutgoingRow("k", "p@example.com", payload)], {})
    assert account.upserts == [
        [
            {
                "id": "p@example.com",
                "idProperty": "email",
                "objectWriteTraceId": "k",
                "properties": {
                    "accord_lifetime_value": "12.5",
                    "accord_order_count": "3",
                    "accord_last_order_date": "2026-01-31",
                    "accord_segment": "",
                },
            }
        ]
    ]
    types = {item["name"]: item.get("type") for item in account.properties}
    assert types["accord_lifetime_value"] == types["accord_order_count"] == "number"
    assert types["accord_last_order_date"] == "date"
    assert types["accord_segment"] == "string"
    assert all(item.get("groupName") for item in account.properties if "type" in item)


def test_properties_are_made_once(account) -> None:
    hubspot = writer(account)
    hubspot.write(rows(1), {})
    account.calls.clear()
    hubspot.write(rows(1), {})
    assert [path for _, path in account.calls] == ["/crm/v3/objects/contacts/batch/upsert"]


def test_a_property_that_is_not_ours_to_make_is_named(account) -> None:
    with pytest.raises(FatalError, match="favourite_colour"):
        writer(account).write(rows(1, favourite_colour="blue"), {})
    assert account.upserts == []


def test_a_partly_failed_batch_gives_every_row_its_own_result(account) -> None:
    def partial(inputs: list[dict]) -> Response:
        by_context = {
            "status": "error",
            "category": "VALIDATION_ERROR",
            "message": "p1@example.com is not valid",
            "context": {"objectWriteTraceId": ["key-1"]},
        }
        by_address = {
            "status": "error",
            "category": "CONFLICT",
            "message": "no",
            "context": {"ids": ["P2@example.com"]},
        }
        results = [
            {"id": "900", "objectWriteTraceId": "key-0", "properties": {}},
            {"id": "903", "properties": {"email": "p3@example.com"}},
        ]
        body = {"status": "COMPLETE", "results": results, "errors": [by_context, by_address]}
        return reply(body, 207)

    account.answer_upsert = partial
    found = by_key(writer(account).write(rows(5), {}))
    assert found["key-0"] == RowResult("key-0", RowStatus.CONFIRMED, vendor_reference="900")
    assert found["key-1"].status is RowStatus.REJECTED
    assert found["key-1"].reason == "VALIDATION_ERROR: *** is not valid"
    assert found["key-2"].status is RowStatus.REJECTED
    assert found["key-3"].vendor_reference == "903"
    assert found["key-4"].status is RowStatus.UNKNOWN, "nothing in the answer is about this row"


def test_one_bad_row_does_not_take_its_batch_along(account) -> None:
    def all_or_nothing(inputs: list[dict]) -> Response:
        if any(item["id"] == "p37@example.com" for item in inputs):
            body = {"status": "error", "category": "VALIDATION_ERROR", "message": "invalid"}
            return reply(body, 400)
        return account.accept_all(inputs)

    account.answer_upsert = all_or_nothing
    found = by_key(writer(account).write(rows(100), {}))
    assert [key for key, r in found.items() if r.status is not RowStatus.CONFIRMED] == ["key-37"]
    assert found["key-37"].status is RowStatus.REJECTED
    assert len(account.upserts) <= 15


def test_an_address_comes_once_a_batch(account) -> None:
    twice = [*rows(3), OutgoingRow("again", "P1@Example.com", {"accord_segment": "lapsed"})]
    found = by_key(writer(account).write(twice, {}))
    assert [len(inputs) for inputs in account.upserts] == [3, 1]
    assert found["again"].status is RowStatus.CONFIRMED


def test_a_write_whose_answer_was_lost_is_sent_again_with_the_same_key(account) -> None:
    def slow_once(inputs: list[dict]) -> Response:
        if len(account.upserts) == 1:
            time.sleep(0.6)
        return account.accept_all(inputs)

    account.answer_upsert = slow_once
    found = by_key(writer(account, read_timeout_s=0.3).write(rows(2), {}))
    assert {result.status for result in found.values()} == {RowStatus.CONFIRMED}
    assert account.upserts[0] == account.upserts[1]


def test_rows_of_a_system_that_is_down_are_unknown(account) -> None:
    def down_after_the_first(inputs: list[dict]) -> Response:
        if len(account.upserts) == 1:
            return account.accept_all(inputs)
        return Response(status=503)

    account.answer_upsert = down_after_the_first
    results = writer(account).write(rows(500), {})
    states = [result.status for result in results]
    assert states == [RowStatus.CONFIRMED] * 100 + [RowStatus.UNKNOWN] * 400
    assert len(account.upserts) == 1 + 2 * 2, "after two failed batches no more are tried"
    assert "503" in (results[-1].reason or "")


def test_a_batch_the_vendor_cannot_digest_does_not_hold_up_the_next(account) -> None:
    def chokes(inputs: list[dict]) -> Response:
        if inputs[0]["id"] == "p100@example.com":
            return Response(status=500)
        return account.accept_all(inputs)

    account.answer_upsert = chokes
    states = [result.status for result in writer(account).write(rows(300), {})]
    assert states.count(RowStatus.CONFIRMED) == 200
    assert states[100:200] == [RowStatus.UNKNOWN] * 100


def test_refused_credentials_are_fatal_before_anything_was_sent(account) -> None:
    account.connection["token"] = "wrong"
    with pytest.raises(FatalError, match="ACCORD_HUBSPOT_TOKEN"):
        writer(account).write(rows(1), {})


def test_credentials_refused_midway_lose_no_result(account) -> None:
    def revoked(inputs: list[dict]) -> Response:
        return account.accept_all(inputs) if len(account.upserts) == 1 else Response(status=401)

    account.answer_upsert = revoked
    states = [result.status for result in writer(account).write(rows(150), {})]
    assert states == [RowStatus.CONFIRMED] * 100 + [RowStatus.UNKNOWN] * 50


def test_no_rows_make_no_call(account) -> None:
    assert writer(account).write([], {}) == []
    assert account.calls == []
