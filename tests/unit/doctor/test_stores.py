"""Checks of the warehouse, the state store and the dbt manifest."""

import os
import threading
from pathlib import Path

from orchestration_assets.doctor import stores
from orchestration_assets.doctor.finding import Level
from orchestration_assets.settings import Settings
from orchestration_assets.state.store import open_state
from orchestration_assets.warehouse.engine import open_warehouse


def levels(findings: list) -> list[tuple[str, str]]:
    return [(finding.name, str(finding.level)) for finding in findings]


def test_a_warehouse_that_was_never_written_is_no_failure(tmp_path: Path):
    assert levels(stores.warehouse(Settings(home=tmp_path))) == [("warehouse", "warn")]
    assert list(tmp_path.iterdir()) == []


def test_a_warehouse_in_use_says_how_much_is_in_it(tmp_path: Path):
    settings = Settings(home=tmp_path)
    with open_warehouse(settings.resolved_warehouse_url, tmp_path).writer("fill") as session:
        session.create_schema("raw_hubspot")
        session.execute("create table raw_hubspot.contacts (id varchar)")
    found = stores.warehouse(settings)
    assert levels(found) == [("warehouse", "ok"), ("writer lock", "ok")]
    assert "1 raw tables" in found[0].detail


def test_a_held_writer_lock_names_its_holder(postgres_url: str, tmp_path: Path):
    settings = Settings(home=tmp_path, warehouse_url=postgres_url)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with open_warehouse(postgres_url, tmp_path).exclusive("land shopify.orders"):
            held.set()
            done.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert held.wait(30)
        found = stores.warehouse(settings)
    finally:
        done.set()
        holder.join()
    assert levels(found) == [("warehouse", "ok"), ("writer lock", "warn")]
    assert "land shopify.orders" in found[1].detail


def test_a_warehouse_server_that_is_away_fails_without_showing_its_password(tmp_path: Path):
    url = "postgresql://someone:hidden@127.0.0.1:1/accord"
    (finding,) = stores.warehouse(Settings(home=tmp_path, warehouse_url=url))
    assert finding.level is Level.FAIL
    assert "hidden" not in finding.detail + finding.advice


def test_the_state_store_is_looked_at_without_migrating_it(tmp_path: Path):
    settings = Settings(home=tmp_path)
    assert stores.state(settings).level is Level.WARN
    (tmp_path / "state.sqlite").touch()
    finding = stores.state(settings)
    assert finding.level is Level.WARN
    assert "has version none" in finding.detail
    open_state(settings.resolved_state_url).close()
    assert stores.state(settings).level is Level.OK


def test_a_state_server_is_looked_at_too(postgres_url: str, tmp_path: Path):
    settings = Settings(home=tmp_path, state_url=postgres_url)
    assert stores.state(settings).level is Level.WARN
    open_state(postgres_url).close()
    assert stores.state(settings).level is Level.OK


def test_a_state_server_that_is_away_fails(tmp_path: Path):
    url = "postgresql://someone:hidden@127.0.0.1:1/accord"
    finding = stores.state(Settings(home=tmp_path, state_url=url))
    assert finding.level is Level.FAIL
    assert "hidden" not in finding.detail + finding.advice


def test_a_manifest_older_than_a_model_is_stale(tmp_path: Path):
    project, target = tmp_path / "project", tmp_path / "target"
    (project / "models").mkdir(parents=True)
    target.mkdir()
    assert stores.manifest(project, target).level is Level.FAIL
    (project / "dbt_project.yml").write_text("name: x")
    model = project / "models" / "one.sql"
    model.write_text("select 1")
    assert stores.manifest(project, target).level is Level.WARN
    made = target / "manifest.json"
    made.write_text("{}")
    os.utime(made, (4e9, 4e9))
    assert stores.manifest(project, target).level is Level.OK
    os.utime(made, (1, 1))
    finding = stores.manifest(project, target)
    assert finding.level is Level.WARN
    assert finding.detail.startswith("older than ")
