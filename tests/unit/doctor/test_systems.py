"""Checks of the systems: credentials, address, clock."""

from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from orchestration_assets.doctor.finding import Level
from orchestration_assets.doctor.systems import systems
from orchestration_assets.settings import Settings


def test_a_system_without_credentials_is_left_out():
    (finding,), ahead = systems(Settings(hubspot_base_url="http://127.0.0.1:1"), ["hubspot"])
    assert finding.level is Level.WARN
    assert "ACCORD_HUBSPOT_TOKEN" in finding.advice
    assert ahead == {}


def test_any_answer_means_reachable_and_tells_the_time(httpserver: HTTPServer):
    httpserver.expect_request("/").respond_with_data(status=401)
    settings = Settings(
        hubspot_base_url=httpserver.url_for("/"),
        hubspot_token="very-secret",  # type: ignore[arg-type]
    )
    (finding,), ahead = systems(settings, ["hubspot"])
    assert finding.level is Level.OK
    assert "very-secret" not in str(finding)
    assert abs(ahead["hubspot"]) < 5


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "no address at all"])
def test_a_system_that_does_not_answer_fails(url: str):
    settings = Settings(hubspot_base_url=url, hubspot_token="very-secret")  # type: ignore[arg-type]
    (finding,), ahead = systems(settings, ["hubspot"])
    assert finding.level is Level.FAIL
    assert "very-secret" not in str(finding)
    assert ahead == {}


def test_a_system_of_files_is_read_and_what_is_wrong_with_them_is_said(tmp_path: Path):
    (shipped,), _ = systems(Settings(), ["reference"])
    assert shipped.level is Level.OK
    assert "exchange_rates" in shipped.detail
    (finding,), ahead = systems(Settings(reference_dir=str(tmp_path)), ["reference"])
    assert finding.level is Level.FAIL
    assert "costs.csv" in finding.detail
    assert "ACCORD_REFERENCE_DIR" in finding.advice
    assert ahead == {}
