"""Owners in Dagster are the accountable teams of `raci.yml`."""

import shutil
from pathlib import Path

import dagster as dg
import pytest

from orchestration_assets.connectors.catalog import SYSTEMS
from orchestration_assets.definitions import defs
from orchestration_assets.errors import FatalError
from orchestration_assets.governance.raci import Raci, read_raci


@pytest.fixture(scope="module")
def raci() -> Raci:
    return read_raci(Path(__file__).resolve().parents[2] / "config" / "raci.yml")


@pytest.fixture(scope="module")
def specs() -> list[dg.AssetSpec]:
    return list(defs().resolve_all_asset_specs())


def test_every_group_is_a_layer_or_belongs_to_a_connector(specs: list[dg.AssetSpec], raci: Raci):
    of_systems = {f"{layer}_{system}" for layer in ("raw", "staging") for system in SYSTEMS}
    missing = {spec.group_name for spec in specs} - of_systems - set(raci.layers)
    assert not missing, f"add them under layers in config/raci.yml: {sorted(missing)}"


@pytest.mark.parametrize(
    ("key", "section", "name"),
    [
        ("raw/hubspot/contacts", "connectors", "hubspot"),
        ("scope/records", "layers", "scope"),
        ("identity/customer_records", "layers", "identity"),
        ("marts/dim_customers", "groups", "crm"),
        ("marts/fct_orders", "groups", "commerce"),
        ("released/dim_customers", "layers", "released"),
        ("marts/jrn_customer_value_crm", "journeys", "jrn_customer_value_crm"),
        ("activation/decisions", "layers", "activation"),
        ("activation/hubspot/contacts", "journeys", "jrn_customer_value_crm"),
    ],
)
def test_an_asset_belongs_to_the_accountable_team(
    specs: list[dg.AssetSpec], raci: Raci, key: str, section: str, name: str
):
    (spec,) = [spec for spec in specs if spec.key.to_user_string() == key]
    assert spec.owners == [f"team:{raci.accountable(section, name)}"]


def test_every_owner_is_a_team_of_the_file(specs: list[dg.AssetSpec], raci: Raci):
    owners = {owner for spec in specs for owner in spec.owners}
    assert owners <= {f"team:{team}" for team in raci.teams}


def test_the_owner_follows_the_file_and_a_missing_one_stops_the_load(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
):
    copy = tmp_path / "raci.yml"
    shutil.copy(repository / "config" / "raci.yml", copy)
    monkeypatch.setenv("ACCORD_CONFIG_DIR", str(tmp_path))
    text = copy.read_text()
    entry = "  klaviyo:\n    responsible: [data-platform]\n    accountable: "
    assert entry in text
    copy.write_text(text.replace(f"{entry}marketing", f"{entry}service"))
    owned = {spec.key.to_user_string(): spec.owners for spec in defs().resolve_all_asset_specs()}
    assert owned["raw/klaviyo/profiles"] == ["team:service"]
    copy.write_text(text.replace(f"{entry}marketing\n", entry.rpartition("    accountable")[0]))
    with pytest.raises(Exception, match=r"landing/assets\.py") as caught:
        defs().resolve_all_asset_specs()
    assert isinstance(caught.value.__cause__, FatalError)
    assert "connector `klaviyo` has no accountable" in str(caught.value.__cause__)
