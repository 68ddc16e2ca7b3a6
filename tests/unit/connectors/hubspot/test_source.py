"""Reading HubSpot over real HTTP."""

import json
import time

import pytest
from werkzeug import Request, Response

from orchestration_assets.connectors.hubspot.source import HubSpotSource
from orchestration_assets.connectors.kit.http import RetryPolicy
from orchestration_assets.errors import FatalError, RetriableError
from orchestration_assets.model import Page

QUICK = RetryPolicy(attempts=3, seconds=10, wait_initial=0.01, wait_max=0.05, wait_jitter=0.0)


def source(account, page_size: int = 200) -> HubSpotSource:
    return HubSpotSource(account.connection, policy=QUICK, search_page_size=page_size)


def ids(pages: list[Page], *, deleted: bool = False) -> list[str]:
    return [r["id"] for page in pages if page.deleted is deleted for r in page.records]


def read(hubspot: HubSpotSource, stream: str, cursor: str | None = None) -> list[Page]:
    return list(hubspot.read(stream, cursor))


def fill(account, count: int, kind: str = "contacts") -> None:
    for number in range(1, count + 1):
        account.put(kind, number, account.START + number, email=f"p{number}@example.com")


def test_a_first_read_yields_every_record_once(account) -> None:
    fill(account, 120)
    pages = read(source(account), "contacts")
    assert ids(pages) == [str(n) for n in range(1, 121)]
    assert [len(page.records) for page in pages] == [50, 50, 20, 0]


def test_contacts_come_with_the_history_of_their_consent(account) -> None:
    fill(account, 1)
    first = read(source(account), "contacts")
    account.put("contacts", 1, account.START + 50, hs_email_optout="true")
    second = read(source(account), "contacts", first[-1].cursor)
    history = second[0].records[0]["propertiesWithHistory"]["hs_email_optout"]
    assert history[0]["value"] == "true"
    assert set(first[0].records[0]) == set(second[0].records[0])


def test_a_second_read_yields_only_what_changed(account) -> None:
    fill(account, 10)
    hubspot = source(account)
    cursor = read(hubspot, "contacts")[-1].cursor
    account.put("contacts", 3, account.START + 500)
    account.put("contacts", 11, account.START + 501)
    pages = read(hubspot, "contacts", cursor)
    # The newest of the read before comes again: the boundary is inclusive.
    assert ids(pages) == ["10", "3", "11"]


def test_reading_on_from_any_page_leaves_nothing_out(account) -> None:
    fill(account, 130)
    for number in (4, 77):
        account.archive("contacts", number, account.START + 1000 + number)
    hubspot = source(account, page_size=20)
    pages = read(hubspot, "contacts")
    everything = set(ids(pages))
    for stop in range(len(pages) - 1):
        head, tail = pages[: stop + 1], read(source(account), "contacts", pages[stop].cursor)
        assert set(ids(head)) | set(ids(tail)) == everything
        assert ids(head, deleted=True) + ids(tail, deleted=True) == ["4", "77"]


def test_changes_are_read_on_from_any_page(account) -> None:
    hubspot = source(account, page_size=7)
    cursor = read(hubspot, "contacts")[-1].cursor
    fill(account, 40)
    pages = read(hubspot, "contacts", cursor)
    assert set(ids(pages)) == {str(n) for n in range(1, 41)}
    for stop in range(len(pages) - 1):
        head, tail = pages[: stop + 1], read(hubspot, "contacts", pages[stop].cursor)
        assert set(ids(head)) | set(ids(tail)) == {str(n) for n in range(1, 41)}


def test_many_records_of_one_millisecond_are_all_read(account) -> None:
    hubspot = source(account, page_size=5)
    cursor = read(hubspot, "contacts")[-1].cursor
    for number in range(1, 24):
        account.put("contacts", number, account.START)
    account.put("contacts", 24, account.START + 1)
    pages = read(hubspot, "contacts", cursor)
    assert set(ids(pages)) == {str(n) for n in range(1, 25)}
    for stop in range(len(pages) - 1):
        tail = read(hubspot, "contacts", pages[stop].cursor)
        assert set(ids(pages[: stop + 1])) | set(ids(tail)) == {str(n) for n in range(1, 25)}
    assert not hubspot.has_changed("contacts", pages[-1].cursor)


def test_more_changes_than_search_will_page_through_are_all_read(account) -> None:
    hubspot = source(account)
    cursor = read(hubspot, "companies")[-1].cursor
    for number in range(1, 10_501):
        account.put("companies", number, account.START + number // 3)
    assert len(set(ids(read(hubspot, "companies", cursor)))) == 10_500


def test_a_record_changed_while_changes_are_read_hides_no_other(account) -> None:
    hubspot = source(account, page_size=5)
    cursor = read(hubspot, "contacts")[-1].cursor
    fill(account, 30)
    seen: list[str] = []
    for number, page in enumerate(hubspot.read("contacts", cursor), start=1):
        seen += [record["id"] for record in page.records]
        if number < 5:
            account.put("contacts", number, account.START + 1000 + number)
    assert set(seen) == {str(n) for n in range(1, 31)}


def test_a_record_changed_during_a_full_read_comes_with_the_next_one(account) -> None:
    fill(account, 120)
    hubspot = source(account)
    pages = hubspot.read("contacts", None)
    next(pages)
    account.put("contacts", 1, round(time.time() * 1000), firstname="Ada")
    account.put("contacts", 120, round(time.time() * 1000) + 5)
    *_, last = pages
    assert "1" in ids(read(hubspot, "contacts", last.cursor))


def test_archived_records_come_as_deletions_once(account) -> None:
    fill(account, 3)
    hubspot = source(account)
    cursor = read(hubspot, "contacts")[-1].cursor
    account.archive("contacts", 2, account.START + 900)
    pages = read(hubspot, "contacts", cursor)
    deletion = next(page for page in pages if page.deleted and page.records)
    assert ids(pages, deleted=True) == ["2"]
    assert deletion.records[0]["updatedAt"] == deletion.records[0]["archivedAt"]
    account.archive("contacts", 3, account.START + 5000)
    again = read(hubspot, "contacts", pages[-1].cursor)
    assert ids(again, deleted=True) == ["2", "3"], "the boundary is inclusive, older ones are gone"
    third = read(hubspot, "contacts", again[-1].cursor)
    assert ids(third, deleted=True) == ["3"]


def test_a_large_archive_is_not_listed_by_every_read(account) -> None:
    for number in range(1, 251):
        account.put("companies", number)
        account.archive("companies", number, account.START + number)
    hubspot = source(account)
    first = read(hubspot, "companies")
    assert len(ids(first, deleted=True)) == 250
    account.archive("companies", 250, account.START + 9000)
    account.calls.clear()
    soon = read(hubspot, "companies", first[-1].cursor)
    assert [method for method, _ in account.calls] == ["POST"]
    cursor = json.loads(soon[-1].cursor)
    cursor["archived_read_at"] -= 12_001
    later = read(hubspot, "companies", json.dumps(cursor))
    assert ids(later, deleted=True) == ["250"]


def test_a_contact_deleted_between_search_and_read_is_passed_over(account) -> None:
    hubspot = source(account)
    cursor = read(hubspot, "contacts")[-1].cursor
    fill(account, 3)

    def archive_before_reading(request: Request) -> None:
        if request.path.endswith("batch/read"):
            account.archive("contacts", 2, account.START + 50)

    account.before = archive_before_reading
    pages = read(hubspot, "contacts", cursor)
    assert ids(pages) == ["1", "3"]
    assert ids(pages, deleted=True) == ["2"]


def test_records_the_vendor_failed_to_read_are_not_passed_over(account) -> None:
    hubspot = source(account)
    cursor = read(hubspot, "contacts")[-1].cursor
    fill(account, 3)

    def fail_partly(request: Request) -> Response | None:
        if not request.path.endswith("batch/read"):
            return None
        body = {"results": [], "errors": [{"category": "INTERNAL_ERROR"}]}
        return Response(json.dumps(body), status=207)

    account.before = fail_partly
    with pytest.raises(RetriableError, match="left 1 records unread"):
        read(hubspot, "contacts", cursor)


@pytest.mark.parametrize(
    ("stream", "plain"),
    [
        ("deals", "deal_to_contact"),
        ("tickets", "ticket_to_contact"),
        ("feedback_submissions", "feedback_submission_to_contact"),
    ],
)
def test_linked_records_look_the_same_however_they_are_read(account, stream, plain) -> None:
    account.put(stream, 1, account.START + 1)
    account.links[stream, "1", "contacts"] = ["7", "8", "9"]
    hubspot = source(account)
    first = read(hubspot, stream)
    second = read(hubspot, stream, first[-1].cursor)
    assert first[0].records == second[0].records
    linked = [{"id": key, "type": plain} for key in ("7", "8", "9")]
    assert first[0].records[0]["associations"] == {"contacts": {"results": linked}}


def test_a_full_read_begins_anew_whatever_the_cursor(account) -> None:
    fill(account, 5)
    hubspot = source(account)
    cursor = read(hubspot, "companies")[-1].cursor
    assert ids(list(hubspot.read("contacts", cursor, full=True))) == ["1", "2", "3", "4", "5"]


def test_whether_anything_changed_takes_one_call(account) -> None:
    hubspot = source(account)
    assert hubspot.has_changed("contacts", None)
    fill(account, 5)
    cursor = read(hubspot, "contacts")[-1].cursor
    account.calls.clear()
    assert not hubspot.has_changed("contacts", cursor)
    assert len(account.calls) == 1
    account.put("contacts", 9, account.START + 5)
    assert hubspot.has_changed("contacts", cursor), "one more in the newest millisecond"
    cursor = read(hubspot, "contacts", cursor)[-1].cursor
    assert not hubspot.has_changed("contacts", cursor)
    account.put("contacts", 1, account.START + 99)
    assert hubspot.has_changed("contacts", cursor)


def test_a_read_that_was_cut_short_is_due(account) -> None:
    fill(account, 120)
    hubspot = source(account)
    first = next(iter(hubspot.read("contacts", None)))
    assert hubspot.has_changed("contacts", first.cursor)


def test_throttling_and_server_errors_are_ridden_out(account) -> None:
    fill(account, 120)
    count = 0

    def every_other(request: Request) -> Response | None:
        nonlocal count
        count += 1
        if count % 4 == 1:
            window = {"X-HubSpot-RateLimit-Interval-Milliseconds": "40"}
            return Response('{"policyName": "TEN_SECONDLY_ROLLING"}', status=429, headers=window)
        return Response(status=502) if count % 4 == 3 else None

    account.before = every_other
    assert len(ids(read(source(account), "contacts"))) == 120


def test_refused_credentials_name_the_setting_only(account) -> None:
    account.connection["token"] = "another-secret"
    with pytest.raises(FatalError, match="ACCORD_HUBSPOT_TOKEN") as caught:
        read(source(account), "contacts")
    assert "another-secret" not in str(caught.value)
    assert "GET /crm/v3/objects/contacts answered 401" in str(caught.value)


def test_a_system_that_stays_down_is_named(account) -> None:
    account.before = lambda request: Response(status=503)
    with pytest.raises(RetriableError, match="GET /crm/v3/objects/contacts answered 503 after 3"):
        read(source(account), "contacts")


def test_a_foreign_cursor_says_what_to_do(account) -> None:
    with pytest.raises(FatalError, match="read the stream in full"):
        read(source(account), "contacts", '{"page": 3}')
