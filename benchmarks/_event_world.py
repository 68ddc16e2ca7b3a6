"""A deployment with so many customers, landed, resolved, built, judged and released once."""

from pathlib import Path

from benchmarks import _model_world
from benchmarks._event_load import Shopper
from orchestration_assets.deployment import Deployment
from orchestration_assets.settings import load_settings
from orchestration_assets.stages import gate
from orchestration_assets.stages import model as stage
from orchestration_assets.stages.restrict import record_restrictions
from orchestration_assets.transform import project
from orchestration_assets.warehouse.engine import Warehouse, open_warehouse
from orchestration_assets.warehouse.scope import forget
from quality.catalog import CORE_SUITES, PAYLOAD_SUITES

REFRESHED = "refreshed"
"""File of the deployment's folder that says that a refresh beside the events has ended."""
_RUN = "benchmark"
_OWN = ("loads", "readings")
_SHOPPERS = """
select d.shopify_customer_id as shopify_id, d.email from released.dim_customers d
join released.fct_consents c on c.customer_id = d.customer_id
where c.purpose = 'marketing' and c.channel = 'email' and c.is_granted
    and d.email is not null and d.shopify_customer_id is not null and not d.is_deleted
    and d.email in (select email from released.dim_customers group by email having count(*) = 1)
order by md5(d.customer_id)
"""


def land_world(folder: Path, customers: int) -> Warehouse:
    """Write the raw tables of so many customers into a DuckDB file in an empty folder."""
    folder.mkdir(parents=True)
    path = folder / "warehouse.duckdb"
    warehouse = open_warehouse(f"duckdb:///{path}", folder)
    _model_world.make_tables(warehouse, folder)
    _model_world.land_everything(path, customers, link=False)
    return warehouse


def copy_landed(source: Warehouse, target: Warehouse, home: Path) -> None:
    """Bring all that landed into another warehouse, whichever the engine."""
    _model_world.make_tables(target, home)
    places = [
        (f"raw_{key.partition('.')[0]}", key.partition(".")[2]) for key in _model_world.RECIPES
    ]
    places += [("landing", name) for name in _OWN]
    for schema, table in places:
        with source.reader() as session:
            rows = session.arrow(f"select * from {schema}.{table}")
        with target.writer("copy") as session:
            session.append(schema, table, rows)


def refresh(deployment: Deployment, *, again: bool = False) -> None:
    """A whole refresh in this process, layer by layer, as its runs do it.

    Args:
        deployment: the deployment.
        again: as if nothing had been taken in yet.

    Raises:
        AssertionError: a gate did not pass.
    """
    if again:
        forget(deployment.warehouse)
    stage.open_refresh(deployment, _RUN)
    stage.build_models(deployment, project.PREPARE).raise_for_models()
    stage.resolve_identities(deployment)
    record_restrictions(deployment)
    stage.build_models(deployment, project.CORE).raise_for_models()
    results = gate.judge(deployment, CORE_SUITES, _RUN)
    assert all(result.passed for result in results), [r.reason for r in results if not r.passed]
    gate.publish(deployment)
    stage.build_models(deployment, project.ACT).raise_for_models()
    gate.judge(deployment, tuple(PAYLOAD_SUITES.values()), _RUN)


def shoppers(warehouse: Warehouse) -> list[Shopper]:
    """Customers of the shop who may be written to, in an order of chance."""
    with warehouse.reader() as session:
        return [Shopper(row["shopify_id"], row["email"]) for row in session.rows(_SHOPPERS)]


if __name__ == "__main__":
    print("begun", flush=True)
    refresh(Deployment(), again=True)
    (load_settings().root / REFRESHED).touch()
