"""A system that is not connected is skipped, and a stream that is refused holds up no other."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from orchestration_assets.conditions import REFUSED_TAG
from orchestration_assets.definitions import defs
from orchestration_assets.defs.resources import AccordResource
from orchestration_assets.deployment import Deployment
from orchestration_assets.stages.land import land_stream
from orchestration_assets.state.alerts import open_alerts
from sandbox.context import SandboxContext
from sandbox.hubspot.app import create_app
from sandbox.limits import TIERS
from sandbox.world.generate import generate
from tests.unit.sandbox.serving import serving

CONTACTS = "hubspot.contacts"


@pytest.fixture
def hubspot(monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxContext]:
    """A HubSpot account that Accord is connected to and has landed."""
    context = SandboxContext(generate(30, seed=3, noise=0.0), tier=TIERS["unlimited"])
    with serving(create_app(context)) as url:
        monkeypatch.setenv("ACCORD_HUBSPOT_BASE_URL", url)
        monkeypatch.setenv("ACCORD_HUBSPOT_TOKEN", context.token("hubspot"))
        monkeypatch.setenv("ACCORD_HUBSPOT_SEARCH_LAG_S", "0")
        deployment = Deployment()
        for stream in deployment.source("hubspot").streams:
            land_stream(deployment, "hubspot", stream)
        deployment.close()
        yield context


def _tick(system: str) -> dg.SensorResult | dg.SkipReason:
    sensor = defs().get_repository_def().get_sensor_def(f"{system}_change_sensor")
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance, resources={"accord": AccordResource()})
        result = sensor(context)
    assert isinstance(result, dg.SensorResult | dg.SkipReason)
    return result


def _reason(system: str) -> str:
    result = _tick(system)
    assert isinstance(result, dg.SkipReason)
    return str(result.skip_message)


def _request(system: str) -> tuple[set[str], dict[str, str]]:
    """The assets and tags of the one run that a tick requests."""
    result = _tick(system)
    assert isinstance(result, dg.SensorResult)
    [request] = result.run_requests or []
    return {key.to_user_string() for key in request.asset_selection or []}, dict(request.tags)


def _incidents() -> list[dict]:
    deployment = Deployment()
    try:
        return open_alerts(deployment.state, "changes/")
    finally:
        deployment.close()


def test_only_the_settings_that_are_really_missing_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert _reason("hubspot").endswith("set ACCORD_HUBSPOT_TOKEN")
    assert _reason("shopify").endswith("set ACCORD_SHOPIFY_BASE_URL and ACCORD_SHOPIFY_TOKEN")
    monkeypatch.setenv("ACCORD_SHOPIFY_TOKEN", "test")
    assert _reason("shopify").endswith("set ACCORD_SHOPIFY_BASE_URL")


def test_a_system_of_files_needs_no_credentials(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ACCORD_HOME", str(tmp_path))
    monkeypatch.setenv("ACCORD_REFERENCE_DIR", str(tmp_path))
    assert "costs.csv cannot be read" in _reason("reference")
    monkeypatch.delenv("ACCORD_REFERENCE_DIR")
    assert _request("reference")[0] == {"raw/reference/costs", "raw/reference/exchange_rates"}


def test_a_stream_that_is_refused_holds_up_no_other_and_is_named_until_it_answers(
    hubspot: SandboxContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _reason("hubspot") == "nothing changed in hubspot"
    whole = hubspot.token("hubspot")
    monkeypatch.setenv("ACCORD_HUBSPOT_TOKEN", f"{whole}-without-tickets")
    hubspot.world.upsert(CONTACTS, hubspot.world.sorted_ids(CONTACTS)[0], {"city": "Lyon"})
    hubspot.world.upsert("hubspot.deals", hubspot.world.sorted_ids("hubspot.deals")[0], {})
    assets, tags = _request("hubspot")
    assert assets == {"raw/hubspot/contacts", "raw/hubspot/deals"}
    assert tags[REFUSED_TAG] == "tickets"
    for stream in ("contacts", "deals"):
        land_stream(Deployment(), "hubspot", stream)
    reason = _reason("hubspot")
    assert "hubspot could not be asked for changes of tickets" in reason
    assert "answered 403" in reason
    assert "Next step: give the token in ACCORD_HUBSPOT_TOKEN the scope" in reason
    assert whole not in reason
    [incident] = _incidents()
    assert incident["title"] == "hubspot refuses tickets"
    assert "scope" in incident["body"]["next_step"]
    assert incident["body"]["owner"]
    monkeypatch.setenv("ACCORD_HUBSPOT_TOKEN", whole)
    assert _reason("hubspot") == "nothing changed in hubspot"
    assert _incidents() == []


def test_refused_credentials_are_one_incident_that_names_every_stream(
    hubspot: SandboxContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCORD_HUBSPOT_TOKEN", "wrong")
    assert "contacts, companies, deals" in _reason("hubspot")
    [incident] = _incidents()
    assert incident["body"]["next_step"].count("ACCORD_HUBSPOT_TOKEN") == 1


def test_a_system_that_is_away_is_not_asked_stream_by_stream(
    hubspot: SandboxContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    hubspot.faults.set("hubspot", "down")
    before = hubspot.request_log.seen_count["hubspot"]
    assert "answered 503 after 5 attempts" in _reason("hubspot")
    assert hubspot.request_log.seen_count["hubspot"] == before + 5
    assert _incidents() == []
