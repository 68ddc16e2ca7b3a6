"""What every source promises that can be asked for single records, against the vendors' servers."""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from orchestration_assets.connectors.catalog import SYSTEMS, all_streams
from orchestration_assets.connectors.kit.http import RetryPolicy
from orchestration_assets.connectors.kit.records import get_path
from orchestration_assets.errors import FatalError, RetriableError
from orchestration_assets.model import Fetched, Fetches, Stream

FETCHING = ("hubspot", "shopify")
STREAMS = {stream.key: stream for stream in all_streams() if stream.system in FETCHING}
NEVER_GIVEN = "99999999999999"
# One identifier that is no number, one that is too large for the vendors, one without a digit.
NO_IDENTIFIERS = ["abc", "9" * 25, ""]

every_stream = pytest.mark.parametrize("key", sorted(STREAMS))
one_of_each_system = pytest.mark.parametrize("key", ["hubspot.contacts", "shopify.orders"])


@pytest.fixture
def stream(key: str) -> Stream:
    return STREAMS[key]


@pytest.fixture
def server(stream: Stream, vendor):
    return vendor(stream.system)


def fetch(server, stream: Stream, ids: list[str], **overrides: object) -> list[Fetched]:
    source = server.source(**overrides)
    assert isinstance(source, Fetches)
    return list(source.fetch(stream.name, ids))


def by_id(stream: Stream, records: Iterator[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {str(get_path(record, stream.record_id)): record for record in records}


def living(stream: Stream, answers: list[Fetched]) -> dict[str, Mapping[str, Any]]:
    return by_id(stream, (record for answer in answers for record in answer.records))


def gone(stream: Stream, answers: list[Fetched]) -> dict[str, Mapping[str, Any]]:
    return by_id(stream, (record for answer in answers for record in answer.gone))


def in_full(server, stream: Stream) -> dict[str, Mapping[str, Any]]:
    pages = [page for page in server.read(stream.name) if not page.deleted]
    return by_id(stream, (record for page in pages for record in page.records))


@every_stream
def test_a_record_is_the_same_fetched_and_read_in_full(server, stream: Stream) -> None:
    expected = in_full(server, stream)
    assert living(stream, fetch(server, stream, sorted(expected))) == expected
    assert len(expected) > 1


@every_stream
def test_only_what_is_asked_for_comes_and_each_once(server, stream: Stream) -> None:
    wanted = sorted(server.living(stream.name))[:2]
    answers = fetch(server, stream, [*wanted, wanted[0]])
    records = [record for answer in answers for record in answer.records]
    assert sorted(str(get_path(record, stream.record_id)) for record in records) == wanted
    assert not gone(stream, answers)


@every_stream
def test_more_records_than_one_call_takes_come_all(vendor, stream: Stream) -> None:
    server = vendor(stream.system, customers=400)
    wanted = [*sorted(server.living(stream.name)), *(str(10**14 + n) for n in range(300))]
    answers = fetch(server, stream, wanted)
    assert len(answers) > 1
    assert set(living(stream, answers)) == server.living(stream.name)
    assert set(living(stream, answers)) | set(gone(stream, answers)) == set(wanted)


@every_stream
def test_deleted_records_are_gone_and_the_others_come(server, stream: Stream) -> None:
    first, second, *_ = sorted(server.living(stream.name))
    server.world.archive(stream.key, first)
    answers = fetch(server, stream, [first, second, NEVER_GIVEN])
    assert set(gone(stream, answers)) == {first, NEVER_GIVEN}
    assert set(living(stream, answers)) == {second}


@pytest.mark.parametrize("key", sorted(key for key in STREAMS if key.startswith("hubspot.")))
def test_an_archived_record_is_the_deletion_that_reading_yields(server, stream: Stream) -> None:
    record_id = min(server.living(stream.name))
    cursor = server.read(stream.name)[-1].cursor
    server.world.archive(stream.key, record_id)
    read = [page for page in server.read(stream.name, cursor) if page.deleted]
    expected = by_id(stream, (record for page in read for record in page.records))
    assert gone(stream, fetch(server, stream, [record_id])) == {record_id: expected[record_id]}


@every_stream
def test_an_identifier_that_the_vendor_refuses_stops_no_other(server, stream: Stream) -> None:
    wanted = sorted(server.living(stream.name))[:2]
    answers = fetch(server, stream, [*NO_IDENTIFIERS, *wanted])
    refused = {key: reason for answer in answers for key, reason in answer.refused.items()}
    assert list(refused) == NO_IDENTIFIERS
    assert all(refused.values())
    assert (sorted(living(stream, answers)), gone(stream, answers)) == (wanted, {})


@every_stream
def test_asking_for_nothing_calls_nobody(server, stream: Stream) -> None:
    server.context.faults.set(stream.system, "down")
    assert fetch(server, stream, []) == []


@one_of_each_system
@pytest.mark.parametrize("profile", ["rate_limited", "server_errors"])
def test_passing_faults_are_ridden_out(server, stream: Stream, profile: str) -> None:
    server.context.faults.set(stream.system, profile, 0.34)
    wanted = sorted(server.living(stream.name))
    assert sorted(living(stream, fetch(server, stream, wanted))) == wanted


@one_of_each_system
def test_a_system_that_stays_down_is_retriable(server, stream: Stream) -> None:
    server.context.faults.set(stream.system, "down")
    policy = RetryPolicy(attempts=2, seconds=5, wait_initial=0.01, wait_jitter=0.0)
    with pytest.raises(RetriableError, match=rf"^{stream.system}: .*503"):
        fetch(server, stream, [NEVER_GIVEN], policy=policy)


@one_of_each_system
def test_refused_credentials_name_the_setting(server, stream: Stream) -> None:
    server.connection["token"] = "another-secret-token"
    [setting] = SYSTEMS[stream.system].missing({"base_url": "set"})
    with pytest.raises(FatalError, match=setting):
        fetch(server, stream, [NEVER_GIVEN])


def test_a_small_bucket_of_points_is_kept_to(vendor) -> None:
    stream = STREAMS["shopify.orders"]
    shop = vendor("shopify", tier="tight")
    wanted = sorted(shop.living("orders"))[:40]
    assert sorted(living(stream, fetch(shop, stream, wanted))) == wanted


def test_an_order_of_many_lines_comes_with_all_of_them(vendor) -> None:
    stream = STREAMS["shopify.orders"]
    shop = vendor("shopify")
    record_id = min(shop.living("orders"))
    [line, *_] = shop.world.tables["shopify.orders"][record_id]["line_items"]
    lines = [{**line, "id": 10**9 + number} for number in range(45)]
    shop.world.upsert("shopify.orders", record_id, {"line_items": lines})
    [record] = living(stream, fetch(shop, stream, [record_id])).values()
    assert len(record["lineItems"]) == 45


def test_a_record_that_was_restored_between_two_calls_is_not_gone(vendor) -> None:
    stream = STREAMS["hubspot.companies"]
    server = vendor("hubspot")
    record_id = min(server.living("companies"))
    server.world.archive(stream.key, record_id)

    class Restoring(httpx.HTTPTransport):
        """Restores the record just before the archived ones are asked for."""

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if "archived=true" in str(request.url):
                server.world.tables[stream.key][record_id]["archived_at"] = None
            return super().handle_request(request)

    answers = fetch(server, stream, [record_id], transport=Restoring())
    assert (list(living(stream, answers)), gone(stream, answers)) == ([record_id], {})
