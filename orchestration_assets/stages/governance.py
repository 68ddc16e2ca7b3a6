"""Governance over the whole path: what there is to answer for, and who does."""

from pathlib import Path

from orchestration_assets.connectors.catalog import SYSTEMS
from orchestration_assets.errors import FatalError
from orchestration_assets.governance.raci import FILE, Raci, Subjects, problems, read_raci
from orchestration_assets.settings import Settings
from orchestration_assets.transform.project import ModelNode, ensure_manifest, load_nodes
from orchestration_assets.transform.vocabulary import (
    groups_in,
    layer_of,
    names_in,
    purposes_in,
    read_manifest,
)

# Groups of assets that no dbt model is in, and what tells people of all of them.
_STEPS = (
    "scope",
    "events",
    "identity",
    "released",
    "activation",
    "alerting",
    "documentation",
)


def subjects_of(path: Path) -> Subjects:
    """What `raci.yml` has to name, by section; from the catalogue and the dbt project.

    Raw and staging tables of a system go with its connector and are no layers of their own.

    Args:
        path: the dbt project's manifest; where there is none, connectors alone are known.
    """
    if not path.is_file():
        return {"connectors": list(SYSTEMS)}
    manifest = read_manifest(path)
    nodes = load_nodes(path)
    of_systems = {f"staging_{system}" for system in SYSTEMS}
    layers = {layer_of(node) for node in nodes if node.resource_type == "model"}
    return {
        "layers": sorted({*_STEPS, *layers} - of_systems),
        "groups": list(groups_in(manifest)),
        "connectors": list(SYSTEMS),
        "audiences": names_in(nodes, "audiences"),
        "journeys": names_in(nodes, "journeys"),
        "purposes": sorted(purposes_in(manifest)),
    }


def raci_of(settings: Settings) -> Raci:
    """The deployment's `raci.yml`.

    Raises:
        FatalError: it is missing or cannot be read; says what to do.
    """
    return read_raci(settings.config_dir / FILE)


def accountable_for(raci: Raci, node: ModelNode) -> str:
    """The team that answers for a model: for its audience or journey, else for its group.

    Raises:
        FatalError: nobody does; says what to add.
    """
    layer = layer_of(node)
    if layer in ("audiences", "journeys"):
        return raci.accountable(layer, node.name)
    if node.group is None:
        raise FatalError(
            f"The model {node.name} is in no group, so nobody answers for it.",
            f"set `config: {{group: <group>}}` in {node.name}.yml.",
        )
    return raci.accountable("groups", node.group)


def raci_problems(settings: Settings, manifest: Path | None = None) -> tuple[Raci, list[str]]:
    """The file, and what is missing, doubled, unknown or left over in it.

    Args:
        settings: of the deployment.
        manifest: compare with this one instead of the project as it is now.

    Raises:
        FatalError: the file is missing or cannot be read; says what to do.
    """
    raci = raci_of(settings)
    return raci, problems(raci, subjects_of(manifest or ensure_manifest()))
