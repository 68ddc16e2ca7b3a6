"""Names in the dbt project that are no nodes: its layers, groups and consent purposes."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from orchestration_assets.transform.project import ModelNode

# `'marketing' as purpose` where consent is stated, `purpose = 'marketing'` where it is asked for.
_PURPOSE = re.compile(r"'(\w+)'\s+as\s+purpose\b|\bpurpose\s*=\s*'(\w+)'", re.IGNORECASE)


def layer_of(node: ModelNode) -> str:
    """The folder that a node stands in, plus the system for staging: `staging_hubspot`, `core`."""
    folders = folders_of(node)
    if folders[0] == "marts":
        return folders[1]
    return "_".join(folders[:2]) if folders[0] == "staging" else folders[0]


def folders_of(node: ModelNode) -> list[str]:
    """Folders of a node under `models/`."""
    return node.folder.removeprefix("models/").split("/")


def groups_in(manifest: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Owner (`name`, `email`) of every group of `_groups.yml`, by group."""
    return {group["name"]: dict(group["owner"]) for group in manifest["groups"].values()}


def purposes_in(manifest: Mapping[str, Any]) -> set[str]:
    """Purposes of consent: those that a model states or asks for, and those of the journeys."""
    found: set[str] = set()
    for node in manifest["nodes"].values():
        if node["resource_type"] != "model":
            continue
        for stated, asked in _PURPOSE.findall(node["raw_code"]):
            found.add(stated or asked)
        journey = node["config"].get("meta", {}).get("journey", {})
        found.update([journey["purpose"]] if "purpose" in journey else [])
    return found


def names_in(nodes: Iterable[ModelNode], layer: str) -> list[str]:
    """Models of a layer, in order."""
    return [n.name for n in nodes if n.resource_type == "model" and layer_of(n) == layer]


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest as dbt wrote it."""
    return json.loads(path.read_bytes())
