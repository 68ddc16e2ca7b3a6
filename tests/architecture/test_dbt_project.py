"""The dbt project as its manifest describes it: who reads what, and that everything is described."""

import json
from typing import Any

import pytest

from orchestration_assets.transform.project import ensure_manifest

READ_SOURCES = ("models/staging/", "models/released/")
# Says which customers changed, and nothing about them: a journey that events bring up to date builds
# their rows alone.
SCOPE = "models/staging/scope/stg_scope__customers.sql"
READ_RELEASED = ("models/marts/audiences/", "models/marts/journeys/", "models/marts/evidence/")
PERSONAL_DATA = {"none", "identifier", "contact", "profile", "behaviour"}


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return json.loads(ensure_manifest().read_bytes())


@pytest.fixture(scope="module")
def models(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    found = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    assert found
    return found


def meta_of(column: dict[str, Any]) -> dict[str, Any]:
    return {**column.get("meta", {}), **column.get("config", {}).get("meta", {})}


def path_of(node: dict[str, Any]) -> str:
    return node["original_file_path"]


def test_only_staging_and_released_read_sources(models: list[dict[str, Any]]):
    found = [
        f"{path_of(node)} reads {source}: read the staging or released model of it instead"
        for node in models
        if not path_of(node).startswith(READ_SOURCES)
        for source in node["depends_on"]["nodes"]
        if source.startswith("source.")
    ]
    assert not found, "\n".join(found)


def test_audiences_journeys_and_evidence_read_released_data_only(
    manifest: dict[str, Any], models: list[dict[str, Any]]
):
    found = []
    for node in models:
        if not path_of(node).startswith(READ_RELEASED):
            continue
        for parent in node["depends_on"]["nodes"]:
            path = manifest["nodes"].get(parent, {}).get("original_file_path", "a source")
            is_scope = path == SCOPE and path_of(node).startswith("models/marts/journeys/")
            if not is_scope and not path.startswith(("models/released/", *READ_RELEASED)):
                found.append(f"{path_of(node)} reads {path}: read models/released/ instead")
    assert not found, "\n".join(found)


def test_released_models_read_nothing_but_what_was_released(
    manifest: dict[str, Any], models: list[dict[str, Any]]
):
    allowed = {"released", "scope"}
    found = []
    for node in models:
        if not path_of(node).startswith("models/released/"):
            continue
        for parent in node["depends_on"]["nodes"]:
            source = manifest["sources"].get(parent)
            if source is None or source["source_name"] not in allowed:
                found.append(f"{path_of(node)} reads {parent}: gates let nothing else through")
    assert not found, "\n".join(found)


def test_every_model_says_its_grain_and_describes_its_columns(models: list[dict[str, Any]]):
    found = []
    for node in models:
        if not node["description"]:
            found.append(f"{path_of(node)} has no description: start it with the grain")
        if not node["columns"]:
            found.append(f"{path_of(node)} describes no column: list them in its .yml")
        found += [
            f"{path_of(node)}: column {column['name']} has no description: say what it holds"
            for column in node["columns"].values()
            if not column["description"]
        ]
    assert not found, "\n".join(found)


def test_core_models_enforce_their_contract(models: list[dict[str, Any]]):
    core = [node for node in models if path_of(node).startswith("models/marts/core/")]
    assert core
    found = [path_of(node) for node in core if not node["config"]["contract"]["enforced"]]
    assert not found, "set contract: {enforced: true}:\n" + "\n".join(found)


def test_core_columns_have_an_owner_and_a_type(models: list[dict[str, Any]]):
    found = []
    for node in models:
        if not path_of(node).startswith("models/marts/core/"):
            continue
        if not node["config"].get("group"):
            found.append(
                f"{path_of(node)} has no group, so no owner: add `config: {{group: <group>}}` with"
                " one of models/_groups.yml"
            )
        for column in node["columns"].values():
            meta = meta_of(column)
            if not column["data_type"]:
                found.append(
                    f"{path_of(node)}: column {column['name']} has no data_type: add the engine's"
                    " type, such as `data_type: text`"
                )
            if not meta.get("owner"):
                found.append(
                    f"{path_of(node)}: column {column['name']} has no owner: add"
                    " `config: {meta: {owner: <team>}}` with a team of config/raci.yml"
                )
    assert not found, "\n".join(found)


def test_every_column_has_a_personal_data_class(models: list[dict[str, Any]]):
    """What has none is not shown to analysts, and nobody knows whether erasure has to reach it."""
    allowed = ", ".join(sorted(PERSONAL_DATA))
    found = [
        f"{path_of(node)}: column {column['name']} has the personal_data class {said!r}: add"
        f" `config: {{meta: {{personal_data: <class>}}}}`, one of {allowed}"
        for node in models
        for column in node["columns"].values()
        if (said := meta_of(column).get("personal_data")) not in PERSONAL_DATA
    ]
    assert not found, "\n".join(found)


def test_every_model_has_a_yml_of_its_own(models: list[dict[str, Any]]):
    found = [
        f"{path_of(node)}: describe it in {node['name']}.yml beside it"
        for node in models
        if not (node["patch_path"] or "").endswith(path_of(node).replace(".sql", ".yml"))
    ]
    assert not found, "\n".join(found)


def test_whoever_reads_a_raw_table_leaves_out_what_the_landing_gate_holds(
    manifest: dict[str, Any], models: list[dict[str, Any]]
):
    found = []
    for node in models:
        for parent in node["depends_on"]["nodes"]:
            source = manifest["sources"].get(parent)
            if source is None or not source["schema"].startswith("raw_"):
                continue
            stream = f"('{source['source_name']}', '{source['name']}')"
            asked = f"is_readable{stream}"
            # Held rows are read for what they withdraw alone.
            if asked not in node["raw_code"] and not (
                node["name"].endswith("_held") and f"is_held{stream}" in node["raw_code"]
            ):
                found.append(f"{path_of(node)} reads {parent}: add the condition {asked}")
    assert not found, "\n".join(found)


def test_raw_sources_are_the_landed_assets(manifest: dict[str, Any]):
    found = []
    for source in manifest["sources"].values():
        if not source["schema"].startswith("raw_"):
            continue
        meta = {**source.get("meta", {}), **source.get("config", {}).get("meta", {})}
        wanted = ["raw", source["schema"].removeprefix("raw_"), source["name"]]
        if meta.get("dagster", {}).get("asset_key") != wanted:
            found.append(f"{source['unique_id']}: set meta.dagster.asset_key to {wanted}")
    assert not found, "\n".join(found)
