"""A system that is not connected is skipped, with the settings that it lacks."""

from pathlib import Path

import dagster as dg
import pytest

from orchestration_assets.definitions import defs
from orchestration_assets.defs.resources import AccordResource


def _reason(system: str) -> str:
    sensor = defs().get_repository_def().get_sensor_def(f"{system}_change_sensor")
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance, resources={"accord": AccordResource()})
        result = sensor(context)
    assert isinstance(result, dg.SkipReason)
    return str(result.skip_message)


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
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance, resources={"accord": AccordResource()})
        result = defs().get_repository_def().get_sensor_def("reference_change_sensor")(context)
    assert isinstance(result, dg.SensorResult)
    [request] = result.run_requests or []
    assert {key.to_user_string() for key in request.asset_selection or []} == {
        "raw/reference/costs",
        "raw/reference/exchange_rates",
    }
