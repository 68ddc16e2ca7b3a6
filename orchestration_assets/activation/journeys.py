"""What a journey is: read from the `config.meta.journey` block beside its SQL model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from orchestration_assets.errors import FatalError

_REQUIRED = ("destination", "object", "purpose", "channel", "target_key", "payload")


@dataclass(frozen=True, slots=True)
class Journey:
    """One journey.

    Args:
        name: the dbt model, `jrn_...`, a table in the schema `journeys`.
        destination: system that is written to.
        object_name: object of it, `profiles`, `contacts`.
        purpose: purpose of the consent that every row needs.
        channel: channel of that consent.
        target_key: column with the vendor's upsert key.
        payload: destination property to column of the model.
        priority: the smaller goes out first.
        options: handed to the writer as they are.
        owner: who is told when it is held.
    """

    name: str
    destination: str
    object_name: str
    purpose: str
    channel: str
    target_key: str
    payload: Mapping[str, str]
    priority: int = 100
    options: Mapping[str, Any] = field(default_factory=dict)
    owner: str = ""


def read_journeys(folder: Path) -> dict[str, Journey]:
    """All journeys declared in the YAML files of `folder`, by name, the first to go out first.

    Raises:
        FatalError: a block lacks a key; names the file, the model and the key.
    """
    found = []
    for path in sorted(folder.glob("*.yml")):
        document = _parsed(path.read_text(encoding="utf-8")) or {}
        for model in document.get("models", ()):
            block = ((model.get("config") or {}).get("meta") or {}).get("journey")
            if block is not None:
                found.append(_journey(path, model, block))
    found.sort(key=lambda journey: (journey.priority, journey.name))
    return {journey.name: journey for journey in found}


@lru_cache(maxsize=256)
def _parsed(text: str) -> Any:
    """Each step of a run asks for the journeys; nobody writes to what is returned."""
    import yaml

    return yaml.safe_load(text)


def _journey(path: Path, model: Mapping[str, Any], block: Mapping[str, Any]) -> Journey:
    missing = [name for name in _REQUIRED if not block.get(name)]
    if missing:
        raise FatalError(
            f"The journey {model['name']} in {path.name} lacks {', '.join(missing)}.",
            "add it to the block `config.meta.journey` of the model.",
        )
    meta = model["config"]["meta"]
    return Journey(
        name=model["name"],
        destination=block["destination"],
        object_name=block["object"],
        purpose=block["purpose"],
        channel=block["channel"],
        target_key=block["target_key"],
        payload=dict(block["payload"]),
        priority=int(block.get("priority", 100)),
        options=dict(block.get("options") or {}),
        owner=str(block.get("owner") or meta.get("owner") or ""),
    )
