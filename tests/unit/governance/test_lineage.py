"""The lineage of the real models, from the vendors' fields to the destinations' properties."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration_assets.cli import app
from orchestration_assets.connectors.catalog import all_streams
from orchestration_assets.errors import FatalError
from orchestration_assets.governance.bridges import BRIDGES
from orchestration_assets.governance.column_sources import origins
from orchestration_assets.governance.lineage import ColumnFacts, Graph
from orchestration_assets.governance.raci import read_raci
from orchestration_assets.model import Kind
from orchestration_assets.stages.lineage import lineage_graph
from orchestration_assets.transform.compiled import compiled_models
from orchestration_assets.transform.describe import compile_project
from orchestration_assets.transform.project import ensure_manifest, load_nodes

CONFIG = Path(__file__).resolve().parents[3] / "config"


@pytest.fixture(scope="module")
def graph() -> Graph:
    return lineage_graph(read_raci(CONFIG / "raci.yml"))


def vendors(graph: Graph, column: str) -> set[str]:
    found = graph.upstream(graph.find_column(column)).walk()
    return {branch.vendor for branch in found if branch.vendor}


def columns(graph: Graph, column: str, way: str) -> set[str]:
    return {b.column for b in getattr(graph, way)(graph.find_column(column)).walk()}


def test_an_address_comes_from_every_system_through_the_identity_step(graph: Graph):
    assert vendors(graph, "dim_customers.email") == {
        "hubspot contacts: properties.email",
        "shopify customers: defaultEmailAddress.emailAddress",
        "klaviyo profiles: attributes.email",
    }
    above = columns(graph, "dim_customers.email", "upstream")
    assert {
        "identity.customer_records.email",
        "intermediate.int_person_records_unioned.email",
        "raw_hubspot.contacts.email",
        "raw_shopify.customers.email",
        "raw_klaviyo.profiles.email",
    } <= above


def test_an_address_goes_through_the_release_to_the_payload(graph: Graph):
    down = graph.downstream("core.dim_customers.email")
    sent = {(s.destination, s.object_name, s.property_name) for b in down.walk() for s in b.sent}
    assert ("klaviyo", "profiles", "email") in sent
    passed = {branch.column for branch in down.walk()}
    assert {"released.dim_customers.email", "released_views.rel_dim_customers.email"} <= passed


def test_a_raw_column_is_followed_to_the_destination(graph: Graph):
    down = graph.downstream(graph.find_column("raw_shopify.orders.created_at"))
    sent = {(s.destination, s.property_name) for b in down.walk() for s in b.sent}
    assert {("hubspot", "accord_last_order_date"), ("klaviyo", "accord_last_order_date")} <= sent


def test_what_chooses_the_address_is_named_and_not_followed(graph: Graph):
    branch = graph.upstream("core.dim_customers.email")
    assert "intermediate.int_customer_records_joined.source_at" in branch.deciding
    assert not any("source_at" in one.column for one in branch.walk())


def test_a_phone_number_names_both_fields_it_can_come_from(graph: Graph):
    found = vendors(graph, "dim_customers.phone_e164")
    assert {
        "hubspot contacts: properties.phone",
        "hubspot contacts: properties.mobilephone",
    } <= found


def test_json_of_a_vendor_is_traced_through_lateral_joins(graph: Graph):
    assert "hubspot contacts: propertiesWithHistory" in vendors(
        graph, "fct_consents_history.status"
    )
    assert "shopify orders: lineItems" in vendors(graph, "fct_order_lines.quantity")


def test_every_column_of_every_model_is_known_and_traced(graph: Graph):
    untraced = {name: origin.untraced for name, origin in graph.origins.items() if origin.untraced}
    assert untraced == {}
    missing = [
        f"{node.schema}.{node.name}.{column.name}"
        for node in load_nodes(ensure_manifest())
        for column in node.columns
        if f"{node.schema}.{node.name}.{column.name}" not in graph.origins
    ]
    assert missing == []
    unknown = {
        parent
        for origin in graph.origins.values()
        for parent in (*origin.values, *origin.deciding)
        if parent not in graph.origins and not parent.startswith("released.")
    }
    assert unknown == set()


def test_every_table_that_a_step_writes_is_bridged_column_by_column(graph: Graph):
    found = []
    for node in load_nodes(ensure_manifest()):
        own = not node.schema.startswith("raw_") and node.schema not in ("released", "scope")
        if node.resource_type != "source" or not own:
            continue
        table = f"{node.schema}.{node.name}"
        declared = set(BRIDGES.get(table, {}))
        written = {column.name for column in node.columns}
        found += [
            f"governance/bridges.py: say what {table}.{name} is made of"
            for name in sorted(written - declared)
        ]
        found += [
            f"governance/bridges.py: {table} has no column {name} any more"
            for name in sorted(declared - written)
        ]
    for table, bridged in BRIDGES.items():
        found += [
            f"governance/bridges.py: {table}.{name} names {parent}, which is no column"
            for name, origin in bridged.items()
            for parent in (*origin.values, *origin.deciding)
            if parent not in graph.origins
        ]
    assert not found, "\n".join(found)


def shown_personal_fields(graph: Graph) -> list[str]:
    """Columns of core that analysts see as they are, although a personal field is their value."""
    personal = {"contact", "identifier", "profile"}
    # A document holds many things; a part of it has the class of the column that takes it out.
    whole = {
        f"raw_{stream.system}.{stream.name}.{field.name}"
        for stream in all_streams()
        for field in stream.fields
        if field.kind is not Kind.JSON and field.personal_data in personal
    }
    return [
        f"{column} is {facts.personal_data!r} and takes its value from {branch.vendor}: give it the"
        " class of that field"
        for column, facts in graph.facts.items()
        if column.startswith("core.") and facts.personal_data not in personal
        for branch in graph.upstream(column).walk()
        if branch.column in whole
    ]


def test_no_column_that_analysts_see_as_it_is_comes_from_a_personal_field(graph: Graph):
    found = shown_personal_fields(graph)
    assert not found, "\n".join(found)
    facts = {**graph.facts, "core.dim_customers.email": ColumnFacts("none")}
    assert len(shown_personal_fields(replace(graph, facts=facts))) == 3


@pytest.mark.postgres
def test_columns_come_from_the_same_columns_on_both_engines(postgres_url: str, tmp_path: Path):
    _, on_duckdb = compiled_models()
    on_postgres = compile_project(postgres_url, tmp_path)
    assert on_postgres.keys() == on_duckdb.keys()
    assert on_postgres != on_duckdb
    nodes = load_nodes(ensure_manifest())
    tables: dict[str, dict[str, list[str]]] = {}
    for node in nodes:
        tables.setdefault(node.schema, {})[node.name] = [column.name for column in node.columns]
    tables["released"] = {n.name: tables["core"][n.name] for n in nodes if n.schema == "released"}
    for unique_id, sql in on_duckdb.items():
        ours = origins(sql, "duckdb", tables)
        assert ours == origins(on_postgres[unique_id], "postgres", tables), unique_id


def test_compiling_once_is_enough_until_the_project_changes(graph: Graph):
    kept = ensure_manifest().with_name("compiled.json")
    written_at = kept.stat().st_mtime_ns
    assert compiled_models()[1]
    assert kept.stat().st_mtime_ns == written_at


def test_an_unknown_column_is_told_with_the_ones_that_look_like_it(graph: Graph):
    with pytest.raises(FatalError, match=r"no column 'emial'.*choose one of email"):
        graph.find_column("dim_customers.emial")
    with pytest.raises(FatalError, match=r"did you mean dim_customers\.email"):
        graph.find_column("dim_custmers.email")
    with pytest.raises(FatalError, match=r"write TABLE\.COLUMN"):
        graph.find_column("zzzzzz")


def test_a_name_without_schema_means_the_common_model(graph: Graph):
    assert graph.find_column("dim_customers.email") == "core.dim_customers.email"
    assert graph.find_column("released.dim_customers.email") == "released.dim_customers.email"
    assert graph.find_table("dim_customers") == "core.dim_customers"


def run(*arguments: str):
    return CliRunner().invoke(app, ["governance", "lineage", *arguments])


def test_the_command_prints_a_tree_with_both_ends():
    result = run("dim_customers.email")
    assert result.exit_code == 0
    assert "<- hubspot contacts: properties.email" in result.stdout
    assert "-> klaviyo.profiles: email (jrn_lapsed_winback_email)" in result.stdout
    assert result.stdout.startswith("core.dim_customers.email (contact, crm answers for it)")


def test_the_command_prints_json_with_both_ends():
    report = json.loads(run("dim_customers.email", "--json").stdout)
    assert report["column"] == "core.dim_customers.email"
    assert report["personal_data"] == "contact"
    assert "hubspot contacts: properties.email" in report["vendor_fields"]
    assert {"klaviyo"} == {one["destination"] for one in report["destinations"]}
    assert (
        report["upstream"]["next"][0]["column"] == "intermediate.int_customer_records_joined.email"
    )


def test_a_table_lists_its_columns_with_their_classes():
    result = run("dim_customers")
    assert ["email", "contact"] in [line.split() for line in result.stdout.splitlines()]
