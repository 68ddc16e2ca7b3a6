"""Versions and candidates: what a build is good for, and what takes that back."""

from orchestration_assets.identity.refresh import Matching
from orchestration_assets.identity.refresh import refresh as identify
from orchestration_assets.transform import project
from orchestration_assets.transform.runner import build
from orchestration_assets.warehouse import progress
from orchestration_assets.warehouse.progress import unfinished
from orchestration_assets.warehouse.release import payload_version
from orchestration_assets.warehouse.scope import open_scope, unconsumed_loads
from tests.support.model_records import land_everything, order
from tests.support.model_world import ModelWorld


def test_a_build_that_fails_leaves_no_version_and_is_done_again(duck: ModelWorld) -> None:
    land_everything(duck)
    duck.refresh(tests=False)
    with duck.warehouse.writer("break") as session:
        session.execute("update scope.model_version set version = 'before'")
        session.execute("alter table core.dim_customers drop column last_name")
        session.execute("alter table core.dim_customers add column last_name integer")
    result = build(project.CORE, warehouse=duck.warehouse, home=duck.home)
    assert [n.unique_id for n in result.failed if n.status == "error"] == [
        "model.accord.dim_customers"
    ]
    assert duck.rows("select * from scope.model_version") == []
    assert unconsumed_loads(duck.warehouse)
    with duck.warehouse.writer("repair") as session:
        session.execute("drop table core.dim_customers")
    duck.refresh(tests=False)
    assert len(duck.rows("select * from scope.model_version")) == 1


def core_version(world: ModelWorld) -> str | None:
    return next((row["version"] for row in world.rows("select * from scope.model_version")), None)


def test_a_version_covers_every_core_model_of_the_candidate(duck: ModelWorld) -> None:
    land_everything(duck)
    duck.refresh(tests=False)
    first = core_version(duck)
    duck.build(["fct_consents"], tests=False)
    second = core_version(duck)
    assert second not in (None, first)
    with duck.warehouse.writer("killed half-way") as session:
        progress.begin(session, progress.CORE, ["dim_products", "fct_orders"])
        session.execute("delete from scope.model_version")
    duck.build(["fct_orders"], tests=False)
    assert core_version(duck) is None
    duck.build(["dim_products"], tests=False)
    assert core_version(duck) is not None
    with duck.warehouse.reader() as session:
        assert unfinished(session, core_version(duck) or "") == []


def test_a_load_that_joins_after_staging_keeps_the_older_build_from_being_released(
    duck: ModelWorld,
) -> None:
    duck.land("shopify", "orders", order("1", 10))
    open_scope(duck.warehouse)
    duck.build(project.PREPARE, tests=False)
    duck.land("shopify", "orders", order("2", 10))
    open_scope(duck.warehouse)
    identify(duck.warehouse, Matching("FR"))
    duck.build(project.CORE, tests=False)
    with duck.warehouse.reader() as session:
        assert unfinished(session, core_version(duck) or "") == ["staging is not done"]
    duck.refresh(tests=False)
    duck.release()
    assert len(duck.rows("select * from core.fct_orders")) == 2
    assert unconsumed_loads(duck.warehouse) == []


def test_loads_that_touch_no_core_table_keep_the_version(duck: ModelWorld) -> None:
    land_everything(duck)
    duck.refresh(tests=False)
    duck.release()
    version = core_version(duck)
    duck.land("hubspot", "deals", {"id": "d1", "dealname": "A deal"})
    duck.refresh(tests=False)
    assert core_version(duck) == version
    duck.release()
    assert unconsumed_loads(duck.warehouse) == []


def test_journeys_have_a_version_once_all_of_them_are_built(
    duck: ModelWorld,
) -> None:
    def version() -> str | None:
        with duck.warehouse.reader() as session:
            return payload_version(session)

    land_everything(duck)
    duck.refresh(tests=False)
    duck.release()
    duck.build(project.ACT, tests=False)
    first = version()
    assert first
    duck.build(["jrn_customer_value_crm"], tests=False)
    assert version() not in (None, first)
    with duck.warehouse.writer("killed half-way") as session:
        progress.begin(session, progress.JOURNEYS, ["jrn_customer_value_crm"])
    duck.build(["jrn_lapsed_winback_email"], tests=False)
    assert version() is None
