"""Journeys are read from their declarations; where something is missing, they are refused."""

from pathlib import Path

import pytest

from orchestration_assets.activation.journeys import read_journeys
from orchestration_assets.errors import FatalError


def test_the_declared_journeys_are_read_in_order_of_priority(repository: Path) -> None:
    journeys = read_journeys(repository / "dbt_project" / "models" / "marts" / "journeys")
    assert list(journeys)[:2] == ["jrn_lapsed_winback_email", "jrn_customer_value_crm"]
    winback = journeys["jrn_lapsed_winback_email"]
    assert (winback.destination, winback.object_name) == ("klaviyo", "profiles")
    assert winback.options["list_name"] == "Accord: lapsed customers"
    assert winback.owner == "marketing"


def test_a_journey_without_a_purpose_is_refused(tmp_path: Path) -> None:
    text = "models: [{name: jrn_x, config: {meta: {journey: {destination: shop}}}}]"
    (tmp_path / "jrn_x.yml").write_text(text)
    with pytest.raises(FatalError, match=r"jrn_x in jrn_x\.yml lacks object, purpose"):
        read_journeys(tmp_path)
    (tmp_path / "jrn_x.yml").write_text("models: [{name: other}]")
    assert read_journeys(tmp_path) == {}
