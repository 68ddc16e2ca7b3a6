"""The documentation of the model, with who answers for each part of it."""

from pathlib import Path
from typing import Any

from orchestration_assets.deployment import Deployment
from orchestration_assets.governance.raci import Entry, Raci
from orchestration_assets.stages.governance import raci_of
from orchestration_assets.transform.documentation import Documentation, write_documentation
from orchestration_assets.warehouse.engine import Warehouse


def document(deployment: Deployment, out: Path) -> Documentation:
    """Write the documentation site of the deployment's model.

    Raises:
        FatalError: a model does not compile, or `raci.yml` cannot be read.
    """
    raci = raci_of(deployment.settings)
    return write_documentation(
        _built(deployment), out, lambda manifest: _name_owners(manifest, raci)
    )


def _built(deployment: Deployment) -> Warehouse | None:
    """The warehouse, where the common model has been built in it."""
    url = deployment.settings.resolved_warehouse_url
    if url.startswith("duckdb:///") and not Path(url.removeprefix("duckdb:///")).exists():
        return None
    with deployment.warehouse.reader() as session:
        return deployment.warehouse if session.table_exists("core", "dim_customers") else None


def _name_owners(manifest: dict[str, Any], raci: Raci) -> None:
    """Put the roles of each model and of each system's raw tables into its `meta`."""
    for node in (*manifest["nodes"].values(), *manifest["sources"].values()):
        entry = _entry_of(node, raci)
        if entry is None:
            continue
        roles = {
            role: ", ".join(
                raci.teams[team].name for team in entry.teams(role) if team in raci.teams
            )
            for role in ("responsible", "accountable", "consulted", "informed")
        }
        reached = [raci.teams[team] for team in entry.accountables if team in raci.teams]
        roles["contact"] = "; ".join(f"{team.email}, {team.slack}" for team in reached)
        node["meta"] = {**node.get("meta", {}), **roles}


def _entry_of(node: dict[str, Any], raci: Raci) -> Entry | None:
    if node["resource_type"] == "source":
        return raci.connectors.get(node["schema"].removeprefix("raw_"))
    if node["resource_type"] != "model":
        return None
    group = node["config"].get("group") or ""
    return (
        raci.journeys.get(node["name"])
        or raci.audiences.get(node["name"])
        or raci.groups.get(group)
    )
