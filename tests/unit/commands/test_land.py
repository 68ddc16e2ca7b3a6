"""`accord land`: which streams a name stands for, and what a failure does."""

import json

import pytest
from typer.testing import CliRunner

from orchestration_assets.cli import app
from orchestration_assets.commands.land import streams_named
from orchestration_assets.errors import FatalError


def test_a_system_stands_for_its_streams_and_none_comes_twice():
    wanted = streams_named(["hubspot.contacts", "hubspot"])
    assert ("hubspot", "contacts") in wanted
    assert {system for system, _ in wanted} == {"hubspot"}
    assert len(wanted) == len(set(wanted)) > 1


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(FatalError, match=r"name one of: .*shopify\.orders"):
        streams_named(["shopify.baskets"])


def test_streams_without_credentials_fail_one_by_one_with_a_next_step():
    result = CliRunner().invoke(app, ["land", "hubspot", "klaviyo.lists", "--json"])
    streams = json.loads(result.stdout)["streams"]
    assert result.exit_code == 1
    assert len(streams) > 1
    assert all("ACCORD_" in one["error"] + one["next_step"] for one in streams)
