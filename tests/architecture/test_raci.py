"""The shipped `config/raci.yml`: complete, and of one mind with dbt and Dagster about owners."""

from pathlib import Path
from typing import Any

import pytest

from orchestration_assets.governance.raci import Raci, problems, read_raci
from orchestration_assets.stages.governance import subjects_of
from orchestration_assets.transform.project import ensure_manifest, load_nodes
from orchestration_assets.transform.vocabulary import groups_in, read_manifest


@pytest.fixture(scope="module")
def raci() -> Raci:
    return read_raci(Path(__file__).resolve().parents[2] / "config" / "raci.yml")


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return read_manifest(ensure_manifest())


def test_everything_has_exactly_one_accountable_team(raci: Raci):
    found = problems(raci, subjects_of(ensure_manifest()))
    assert not found, "\n".join(found)


def test_the_subjects_are_the_ones_the_code_has():
    subjects = subjects_of(ensure_manifest())
    assert {"core", "identity", "released", "activation"} <= set(subjects["layers"])
    assert {"hubspot", "shopify", "klaviyo"} <= set(subjects["connectors"])
    assert "jrn_lapsed_winback_email" in subjects["journeys"]
    assert "aud_lapsed_customers" in subjects["audiences"]
    assert {"marketing", "customer_relationship"} <= set(subjects["purposes"])
    assert {"crm", "data-platform"} <= set(subjects["groups"])


def test_owners_of_dbt_groups_are_the_accountable_teams(raci: Raci, manifest: dict[str, Any]):
    found = []
    for group, owner in groups_in(manifest).items():
        team = raci.teams[raci.accountable("groups", group)]
        found += [
            f"models/_groups.yml: set owner.{key} of the group {group} to {wanted!r}, or change"
            f" {team.name} in config/raci.yml; it is {owner.get(key)!r}"
            for key, wanted in (("name", team.name), ("email", team.email))
            if owner.get(key) != wanted
        ]
    assert not found, "\n".join(found)


def test_owners_written_in_the_models_are_teams_that_answer_for_them(
    raci: Raci, manifest: dict[str, Any]
):
    found = []
    for node in load_nodes(ensure_manifest()):
        if node.resource_type != "model":
            continue
        for kind in ("audiences", "journeys"):
            if node.name not in raci.section(kind):
                continue
            team = raci.accountable(kind, node.name)
            for what, said in (
                ("config.group", node.group),
                ("meta.owner", node.meta.get("owner")),
            ):
                if said != team:
                    found.append(
                        f"{node.name}.yml: set {what} to {team}, or the accountable of"
                        f" {kind}.{node.name} in config/raci.yml to {said}"
                    )
        owner = node.meta.get("owner", node.group)
        if owner not in raci.teams:
            found.append(f"{node.name}.yml: meta.owner {owner!r} is no team of config/raci.yml")
    for node in manifest["nodes"].values():
        for column in node.get("columns", {}).values():
            meta = {**column.get("meta", {}), **column.get("config", {}).get("meta", {})}
            if "owner" in meta and meta["owner"] not in raci.teams:
                found.append(
                    f"{node['name']}.yml: owner {meta['owner']!r} of the column {column['name']} is"
                    " no team of config/raci.yml"
                )
    assert not found, "\n".join(found)
