"""The dbt project as its manifest describes it."""

import pytest

from orchestration_assets.errors import FatalError
from orchestration_assets.transform.profiles import database_name, engine_of, write_profile
from orchestration_assets.transform.project import (
    ModelNode,
    ensure_manifest,
    load_nodes,
    manifest_path,
)
from orchestration_assets.transform.reuse import selected_models
from orchestration_assets.warehouse.released_tables import RELEASED_TABLES

CORE = set(RELEASED_TABLES)
CLASSES = {"none", "identifier", "contact", "profile", "behaviour"}


@pytest.fixture(scope="module")
def nodes() -> list[ModelNode]:
    return load_nodes(ensure_manifest("duckdb"))


def models(nodes: list[ModelNode], folder: str) -> list[ModelNode]:
    return [n for n in nodes if n.resource_type == "model" and n.folder.startswith(folder)]


def test_a_current_manifest_is_not_parsed_again(nodes: list[ModelNode]) -> None:
    parsed_at = manifest_path("duckdb").stat().st_mtime_ns
    ensure_manifest("duckdb")
    assert manifest_path("duckdb").stat().st_mtime_ns == parsed_at


def test_every_core_column_says_what_it_is_and_whose(nodes: list[ModelNode]) -> None:
    core = models(nodes, "models/marts/core")
    assert {node.name for node in core} == CORE
    for node in core:
        assert node.description.startswith("One row for each"), node.name
        assert node.owner, node.name
        assert node.meta["scope"], node.name
        for column in node.columns:
            assert column.description, (node.name, column.name)
            assert column.data_type, (node.name, column.name)
            assert column.personal_data in CLASSES, (node.name, column.name)


def test_only_staging_and_released_read_sources(nodes: list[ModelNode]) -> None:
    for node in nodes:
        if node.folder.startswith(("models/staging", "models/released")):
            continue
        read = [parent for parent in node.depends_on if parent.startswith("source.")]
        assert not read, f"{node.name} calls source(): read a model of staging/ or released/"


def test_a_journey_names_only_columns_that_it_has(nodes: list[ModelNode]) -> None:
    for node in models(nodes, "models/marts/journeys"):
        journey = node.meta["journey"]
        columns = {column.name for column in node.columns}
        assert {journey["target_key"], *journey["payload"].values()} <= columns, node.name
        assert {"destination", "object", "purpose", "channel", "priority"} <= set(journey)


def test_every_source_of_a_system_names_its_asset(nodes: list[ModelNode]) -> None:
    for node in nodes:
        if node.resource_type == "source" and node.schema.startswith("raw_"):
            system = node.schema.removeprefix("raw_")
            assert node.meta["dagster"]["asset_key"] == ["raw", system, node.name]


def test_tests_belong_to_the_model_that_they_are_about(nodes: list[ModelNode]) -> None:
    orders = next(node for node in nodes if node.name == "fct_orders")
    assert {(test.column, test.severity) for test in orders.tests} == {
        ("order_id", "error"),
        ("customer_id", "error"),
        ("total_amount_reporting", "warn"),
        ("net_amount_reporting", "warn"),
    }


def test_plain_selectors_are_understood_and_others_left_to_dbt(nodes: list[ModelNode]) -> None:
    assert {n.name for n in selected_models(["dim_customers", "fct_orders"], nodes) or []} == {
        "dim_customers",
        "fct_orders",
    }
    assert {n.name for n in selected_models(["tag:core"], nodes) or []} > CORE
    assert selected_models(["+dim_customers"], nodes) is None


def test_a_profile_is_made_from_the_address(tmp_path) -> None:
    import yaml

    path = write_profile("postgresql://ann:s%40cret@db:5433/accord?sslmode=require", tmp_path)
    output = yaml.safe_load(path.read_text())["accord"]["outputs"]["warehouse"]
    assert (output["host"], output["port"], output["dbname"]) == ("db", 5433, "accord")
    assert (output["password"], output["sslmode"]) == ("s@cret", "require")
    assert path.stat().st_mode & 0o077 == 0
    assert database_name("duckdb:////data/warehouse.duckdb") == "warehouse"
    with pytest.raises(FatalError):
        engine_of("mysql://x/y")
