"""The catalog of systems."""

import subprocess
import sys
from pathlib import Path

import pytest

from orchestration_assets.connectors.catalog import (
    SYSTEMS,
    all_streams,
    open_source,
    open_webhook,
    open_writer,
)
from orchestration_assets.errors import FatalError
from orchestration_assets.settings import load_settings

REPOSITORY = Path(__file__).resolve().parents[3]


def test_every_system_says_what_it_offers() -> None:
    assert set(SYSTEMS) == {"hubspot", "shopify", "klaviyo", "reference"}
    for entry in SYSTEMS.values():
        assert entry.streams
        assert entry.requires
        assert entry.docs_url.startswith("https://") or (REPOSITORY / entry.docs_url).is_file()


def test_a_system_names_what_it_requires_and_lacks() -> None:
    assert SYSTEMS["shopify"].missing({}) == ["ACCORD_SHOPIFY_BASE_URL", "ACCORD_SHOPIFY_TOKEN"]
    assert SYSTEMS["shopify"].missing({"base_url": "http://x"}) == ["ACCORD_SHOPIFY_TOKEN"]
    assert SYSTEMS["reference"].missing({}) == ["ACCORD_REFERENCE_DIR"]
    assert SYSTEMS["reference"].missing({"dir": "figures"}) == []


def test_streams_know_their_system_and_have_distinct_keys() -> None:
    streams = all_streams()
    assert len({stream.key for stream in streams}) == len(streams)
    for entry in SYSTEMS.values():
        for name, stream in entry.streams.items():
            assert (stream.system, stream.name) == (entry.name, name)


@pytest.mark.parametrize("system", sorted(SYSTEMS))
def test_every_source_and_writer_opens_without_a_call(system: str) -> None:
    connection = load_settings().connection(system) | {
        "base_url": "http://127.0.0.1:9",
        "token": "t",
    }
    source = open_source(system, connection)
    assert source.system == system
    assert source.streams == SYSTEMS[system].streams
    for object_name in SYSTEMS[system].writable:
        writer = open_writer(system, object_name, connection)
        assert (writer.system, writer.object_name) == (system, object_name)


def test_systems_that_send_webhooks_verify_them_and_the_others_say_so() -> None:
    for entry in SYSTEMS.values():
        if entry.webhook:
            webhook = open_webhook(entry.name)
            assert callable(webhook.verify)
            assert callable(webhook.events)
        else:
            with pytest.raises(FatalError, match="hubspot, shopify"):
                open_webhook(entry.name)


def test_an_empty_setting_is_named() -> None:
    with pytest.raises(FatalError, match="ACCORD_HUBSPOT_TOKEN"):
        open_source("hubspot", load_settings().connection("hubspot"))


def test_an_unknown_system_or_object_names_the_choice() -> None:
    with pytest.raises(FatalError, match="hubspot, shopify, klaviyo, reference"):
        open_source("pipedream", {})
    with pytest.raises(FatalError, match="contacts"):
        open_writer("hubspot", "tickets", {"base_url": "http://x", "token": "t"})


def test_listing_the_catalog_loads_no_http_library() -> None:
    code = (
        "import sys; from orchestration_assets.connectors.catalog import all_streams; all_streams();"
        "print([n for n in ('httpx', 'stamina', 'pyrate_limiter', 'graphql') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
