"""HubSpot against its server in the sandbox: writes, ties, and reading one's own writes back."""

import fnmatch

import pytest

from orchestration_assets.connectors.hubspot.streams import OBJECT_TYPES, STREAMS
from orchestration_assets.connectors.kit.http import RetryPolicy
from orchestration_assets.errors import FatalError
from orchestration_assets.model import OutgoingRow, RowStatus

QUICK = RetryPolicy(attempts=4, seconds=20, wait_initial=0.01, wait_max=0.1, wait_jitter=0.0)


@pytest.fixture
def hubspot(vendor):
    return vendor("hubspot")


def some_rows(hubspot, count: int) -> list[OutgoingRow]:
    """Rows for contacts that the account has, by distinct address."""
    addresses = {
        document["email"].strip().lower()
        for _, document in hubspot.world.live("hubspot.contacts")
        if document.get("email") and "@" in document["email"]
    }
    return [
        OutgoingRow(
            f"key-{number}",
            address,
            {
                "accord_lifetime_value": "120.50",
                "accord_order_count": 3,
                "accord_last_order_date": "2026-01-31",
                "accord_segment": "active",
            },
        )
        for number, address in enumerate(sorted(addresses)[:count])
    ]


def accepted(hubspot) -> list[str]:
    """Keys of the rows that the vendor took, in order."""
    return [
        row["objectWriteTraceId"]
        for entry in hubspot.context.request_log.writes
        if entry["path"].endswith("batch/upsert")
        for row in entry["rows"]
    ]


def test_every_row_is_confirmed_and_names_the_contact(hubspot) -> None:
    rows = some_rows(hubspot, 120)
    assert len(rows) > 50
    results = hubspot.writer("contacts").write(rows, {})
    assert {result.status for result in results} == {RowStatus.CONFIRMED}
    references = {result.idempotency_key: result.vendor_reference for result in results}
    documents = hubspot.world.tables["hubspot.contacts"]
    for row in rows:
        document = documents[references[row.idempotency_key]]
        assert document["email"].strip().lower() == row.target_key
        assert document["accord_segment"] == "active"


def test_a_partly_failed_batch_confirms_exactly_what_the_vendor_took(hubspot) -> None:
    hubspot.context.faults.set("hubspot", "partial_failures", 0.2)
    results = hubspot.writer("contacts").write(some_rows(hubspot, 50), {})
    confirmed = {r.idempotency_key for r in results if r.status is RowStatus.CONFIRMED}
    rejected = [r for r in results if r.status is RowStatus.REJECTED]
    assert confirmed == set(accepted(hubspot))
    assert len(rejected) == 10
    assert all((result.reason or "").startswith("CONFLICT") for result in rejected)
    assert len(results) == 50


@pytest.mark.parametrize("profile", ["rate_limited", "server_errors"])
def test_passing_faults_leave_no_row_behind(hubspot, profile: str) -> None:
    hubspot.context.faults.set("hubspot", profile, 0.34)
    results = hubspot.writer("contacts", policy=QUICK).write(some_rows(hubspot, 40), {})
    assert {result.status for result in results} == {RowStatus.CONFIRMED}


def test_a_write_that_was_applied_while_its_answer_was_lost_takes_effect_once(hubspot) -> None:
    contacts = len(hubspot.living("contacts"))
    hubspot.writer("contacts").write(some_rows(hubspot, 1), {})
    hubspot.context.faults.set("hubspot", "slow", 0.5)
    writer = hubspot.writer("contacts", policy=QUICK, read_timeout_s=0.4)
    results = writer.write(some_rows(hubspot, 5), {})
    assert {result.status for result in results} == {RowStatus.CONFIRMED}
    assert len(hubspot.living("contacts")) == contacts


def test_refused_credentials_are_fatal_and_name_the_setting(hubspot) -> None:
    hubspot.connection["token"] = "another-secret-token"
    with pytest.raises(FatalError, match="ACCORD_HUBSPOT_TOKEN") as caught:
        hubspot.writer("contacts").write(some_rows(hubspot, 1), {})
    assert "another-secret-token" not in str(caught.value)


def test_a_token_without_the_scope_is_told_apart(hubspot) -> None:
    hubspot.connection["token"] += "-read-only"
    with pytest.raises(FatalError, match=r"answered 403.*scope"):
        hubspot.writer("contacts").write(some_rows(hubspot, 1), {})


def test_reading_our_own_writes_back_is_no_change(hubspot) -> None:
    volatile = STREAMS["contacts"].volatile

    def content(record: dict) -> dict:
        flat = {**record, **{f"properties.{k}": v for k, v in record["properties"].items()}}
        del flat["properties"]
        return {
            name: value
            for name, value in flat.items()
            if not any(fnmatch.fnmatchcase(name, pattern) for pattern in volatile)
        }

    before = {r["id"]: content(r) for page in hubspot.read("contacts") for r in page.records}
    hubspot.writer("contacts").write(some_rows(hubspot, 30), {})
    after = {r["id"]: content(r) for page in hubspot.read("contacts") for r in page.records}
    assert after == before


def test_a_bulk_change_of_one_millisecond_is_read_whole(hubspot) -> None:
    cursor = hubspot.read("contacts")[-1].cursor
    moment = hubspot.world.clock()
    changed = sorted(hubspot.living("contacts"))
    for record_id in changed:
        hubspot.world.upsert("hubspot.contacts", record_id, {}, at=moment)
    pages = list(hubspot.source(search_page_size=10).read("contacts", cursor))
    assert {record["id"] for page in pages for record in page.records} == set(changed)
    for stop in (0, 3, len(pages) - 2):
        rest = hubspot.source(search_page_size=10).read("contacts", pages[stop].cursor)
        seen = {r["id"] for page in [*pages[: stop + 1], *rest] for r in page.records}
        assert seen == set(changed)


def test_a_record_reads_the_same_in_full_and_as_a_change(hubspot) -> None:
    for stream in STREAMS:
        first = hubspot.read(stream)
        in_full = {r["id"]: r for page in first for r in page.records if not page.deleted}
        for page in hubspot.read(stream, first[-1].cursor):
            for record in page.records:
                assert page.deleted or record == in_full[record["id"]]


def test_the_newest_value_of_a_history_is_the_current_one(hubspot) -> None:
    hubspot.world.upsert("hubspot.contacts", min(hubspot.living("contacts")), {})
    pages = hubspot.read("contacts")
    pages += hubspot.read("contacts", pages[0].cursor)
    sources = set()
    for record in (record for page in pages for record in page.records):
        assert record["propertiesWithHistory"].keys() == set(OBJECT_TYPES["contacts"].history)
        for name, entries in record["propertiesWithHistory"].items():
            newest = entries[0]["value"] if entries else None
            assert newest == record["properties"][name]
            sources |= {entry["sourceType"] for entry in entries}
    assert sources >= {"CRM_UI", "INTEGRATION", "IMPORT", "FORM"}


def test_tickets_and_answers_name_the_contacts_they_are_about(hubspot) -> None:
    contacts = hubspot.world.tables["hubspot.contacts"]
    companies = 0
    for stream in ("tickets", "feedback_submissions"):
        records = [r for page in hubspot.read(stream) for r in page.records]
        for record in records:
            [contact] = record["associations"]["contacts"]["results"]
            for company in record["associations"].get("companies", {}).get("results", []):
                assert company["id"] == contacts[contact["id"]]["associatedcompanyid"]
                companies += 1
    assert companies


def test_the_accounts_rate_limit_is_kept_without_an_error(vendor) -> None:
    tight = vendor("hubspot", tier="tight")
    tight.connection["requests_per_10s"] = "19"
    assert len(tight.read("companies")) >= 1
    assert tight.context.request_log.status_count["hubspot.429"] == 0
