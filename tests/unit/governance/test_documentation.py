"""dbt's documentation with owners and classes, as one page."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration_assets.cli import app
from orchestration_assets.transform.project import ensure_manifest, load_nodes
from orchestration_assets.warehouse.engine import open_warehouse
from tests.support.browser import open_browser


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ACCORD_HOME", str(tmp_path))
    return tmp_path


def write(home: Path) -> tuple[str, dict, str]:
    result = CliRunner().invoke(app, ["governance", "docs", "--out", str(home / "site")])
    assert result.exit_code == 0, result.output
    manifest = json.loads((home / "site" / "manifest.json").read_text())
    return (home / "site" / "index.html").read_text(), manifest, result.output


def test_the_page_holds_every_description_with_owners_and_classes(home: Path):
    page, manifest, said = write(home)
    assert "no model built yet" in said
    assert "INLINE DATA" not in page
    for node in load_nodes(ensure_manifest()):
        if node.resource_type != "model":
            continue
        described = manifest["nodes"][node.unique_id]
        assert described["description"] == node.description
        for column in node.columns:
            text = described["columns"][column.name]["description"]
            assert text == column.description
            assert json.dumps(text)[1:-1].replace("</", "<\\/") in page, (node.name, column.name)
    customers = manifest["nodes"]["model.accord.dim_customers"]
    assert customers["meta"]["accountable"] == "Customer relationship management"
    assert customers["meta"]["contact"] == "crm@example.com, #crm"
    assert customers["columns"]["email"]["config"]["meta"]["personal_data"] == "contact"
    assert customers["compiled_code"]
    journey = manifest["nodes"]["model.accord.jrn_lapsed_winback_email"]
    assert journey["meta"]["consulted"] == "Customer relationship management, Privacy office"
    contacts = manifest["sources"]["source.accord.hubspot.contacts"]
    assert contacts["meta"]["accountable"] == "Customer relationship management"
    assert not (home / "warehouse.duckdb").exists()


def test_the_page_reports_nothing_and_loads_nothing(home: Path):
    page, manifest, _ = write(home)
    assert manifest["metadata"]["send_anonymous_usage_stats"] is False
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=[\"']?https?://", page)


def test_tables_of_the_warehouse_are_listed_with_their_types(home: Path):
    warehouse = open_warehouse(f"duckdb:///{home / 'warehouse.duckdb'}", home)
    with warehouse.writer("prepare") as session:
        session.create_schema("core")
        session.execute("create table core.dim_customers (customer_id text, order_count integer)")
    page, _, said = write(home)
    catalog = json.loads((home / "site" / "catalog.json").read_text())
    columns = catalog["nodes"]["model.accord.dim_customers"]["columns"]
    assert columns["order_count"]["type"] == "INTEGER"
    assert "1 tables found" in said
    assert "order_count" in page


@pytest.mark.browser
def test_a_browser_shows_a_model_s_owner_and_columns_without_a_server(home: Path):
    write(home)
    address = (home / "site" / "index.html").as_uri()
    with open_browser() as browser:
        browser.open(f"{address}#!/model/model.accord.dim_customers")
        for text in ("crm@example.com, #crm", "Best valid e-mail address", "accountable"):
            browser.wait_for_text(text)
