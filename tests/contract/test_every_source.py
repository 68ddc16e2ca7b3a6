"""What every source promises, checked against the vendor's server in the sandbox."""

import pytest

from orchestration_assets.connectors.catalog import SYSTEMS, all_streams
from orchestration_assets.connectors.kit.http import RetryPolicy
from orchestration_assets.connectors.kit.records import get_path
from orchestration_assets.errors import FatalError, RetriableError
from orchestration_assets.model import Kind, Page, Stream

# The sandbox stands in for systems that are spoken to over a network.
STREAMS = {
    stream.key: stream for stream in all_streams() if "base_url" in SYSTEMS[stream.system].requires
}
# Streams whose vendors tell what was deleted.
WITH_DELETIONS = [*sorted(key for key in STREAMS if key.startswith("hubspot.")), "shopify.orders"]
# An event is a fact: it is added, never changed.
CHANGING = sorted(set(STREAMS) - {"klaviyo.events"})
# One stream a system, where the promise is about the system.
ONE_EACH = ["hubspot.contacts", "shopify.customers", "klaviyo.profiles"]
ABSENT = object()

every_stream = pytest.mark.parametrize("key", sorted(STREAMS))
every_changing_stream = pytest.mark.parametrize("key", CHANGING)
every_stream_with_deletions = pytest.mark.parametrize("key", WITH_DELETIONS)
every_system = pytest.mark.parametrize("key", ONE_EACH)


@pytest.fixture
def stream(key: str) -> Stream:
    return STREAMS[key]


@pytest.fixture
def server(stream: Stream, vendor):
    return vendor(stream.system)


def ids(stream: Stream, pages: list[Page], *, deleted: bool = False) -> list[str]:
    return [
        str(get_path(record, stream.record_id))
        for page in pages
        if page.deleted is deleted
        for record in page.records
    ]


@every_stream
def test_a_full_read_yields_every_living_record(server, stream: Stream) -> None:
    found = ids(stream, server.read(stream.name))
    assert set(found) == server.living(stream.name)
    assert found


@every_stream
def test_every_typed_field_is_served(server, stream: Stream) -> None:
    records = [r for page in server.read(stream.name) if not page.deleted for r in page.records]
    never = {
        field.name
        for field in stream.fields
        if all(get_path(record, field.path, ABSENT) is ABSENT for record in records)
    }
    assert not never
    assert all(get_path(record, stream.source_at) for record in records)


@every_stream
def test_text_comes_through_as_the_vendor_has_it(server, stream: Stream) -> None:
    records = [r for page in server.read(stream.name) if not page.deleted for r in page.records]
    texts = [field for field in stream.fields if field.kind is Kind.STRING]
    documents = server.world.tables[stream.key]
    for record in records:
        document = documents[str(get_path(record, stream.record_id))]
        for field in texts:
            if field.name in document:
                value = get_path(record, field.path)
                assert (value or None) == (document[field.name] or None), field.name


@every_stream
def test_reading_on_from_any_page_leaves_nothing_out(server, stream: Stream) -> None:
    pages = server.read(stream.name)
    everything = set(ids(stream, pages))
    for stop in sorted({0, len(pages) // 2, len(pages) - 2} - {-1}):
        rest = server.read(stream.name, pages[stop].cursor)
        assert set(ids(stream, pages[: stop + 1])) | set(ids(stream, rest)) == everything


@every_changing_stream
def test_a_later_read_yields_what_changed_and_little_else(server, stream: Stream) -> None:
    cursor = server.read(stream.name)[-1].cursor
    changed = sorted(server.living(stream.name))[:3]
    for record_id in changed:
        server.world.upsert(stream.key, record_id, {})
    found = set(ids(stream, server.read(stream.name, cursor)))
    assert set(changed) <= found
    assert len(found) <= len(changed) + 10


@every_changing_stream
def test_a_change_is_noticed_once(server, stream: Stream) -> None:
    source = server.source()
    assert source.has_changed(stream.name, None)
    cursor = server.read(stream.name)[-1].cursor
    assert not source.has_changed(stream.name, cursor)
    server.world.upsert(stream.key, min(server.living(stream.name)), {})
    assert source.has_changed(stream.name, cursor)
    cursor = server.read(stream.name, cursor)[-1].cursor
    assert not source.has_changed(stream.name, cursor)


@every_stream_with_deletions
def test_a_deleted_record_comes_as_a_deletion(server, stream: Stream) -> None:
    cursor = server.read(stream.name)[-1].cursor
    gone = min(server.living(stream.name))
    server.world.archive(stream.key, gone)
    pages = server.read(stream.name, cursor)
    assert gone in ids(stream, pages, deleted=True)
    assert gone not in ids(stream, pages)
    [deletion] = [
        record
        for page in pages
        if page.deleted
        for record in page.records
        if str(get_path(record, stream.record_id)) == gone
    ]
    assert get_path(deletion, stream.source_at)


@every_system
@pytest.mark.parametrize("profile", ["rate_limited", "server_errors"])
def test_passing_faults_are_ridden_out(server, stream: Stream, profile: str) -> None:
    server.context.faults.set(stream.system, profile, 0.34)
    assert set(ids(stream, server.read(stream.name))) == server.living(stream.name)


@every_system
def test_refused_credentials_name_the_setting_and_no_secret(
    server, stream: Stream, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    server.connection["token"] = "another-secret-token"
    [setting] = SYSTEMS[stream.system].missing({"base_url": "set"})
    with pytest.raises(FatalError, match=setting) as caught:
        server.read(stream.name)
    streams = capsys.readouterr()
    written = "".join([str(caught.value), caplog.text, streams.out, streams.err])
    assert "another-secret-token" not in written


@every_system
def test_a_system_that_stays_down_is_retriable_and_named(server, stream: Stream) -> None:
    server.context.faults.set(stream.system, "down")
    policy = RetryPolicy(attempts=3, seconds=5, wait_initial=0.01, wait_jitter=0.0)
    with pytest.raises(RetriableError, match=rf"^{stream.system}: .*503.* Next step: "):
        list(server.source(policy=policy).read(stream.name, None))


@every_system
def test_fields_that_no_contract_knows_are_kept(server, stream: Stream) -> None:
    server.context.faults.set(stream.system, "schema_drift")
    records = [r for page in server.read(stream.name) for r in page.records]
    known = {field.path.split(".")[0] for field in stream.fields}
    known |= {path.split(".")[0] for path in stream.known}
    assert any(set(record) - known for record in records) or stream.system != "hubspot"
