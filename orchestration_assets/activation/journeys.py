"""What a journey is: read from the `config.meta.journey` block beside its SQL model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

from orchestration_assets.errors import FatalError

_REQUIRED = ("destination", "object", "purpose", "channel", "target_key", "payload")
_OPTIONAL = ("priority", "options", "owner", "cap", "holdout", "live", "unhashed", "objective")


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `sends` rows for one customer in any `days` days."""

    sends: int
    days: int


@dataclass(frozen=True, slots=True)
class Holdout:
    """The share of customers, above 0 and below 1, who get nothing; a new salt draws anew."""

    share: float
    salt: str


@dataclass(frozen=True, slots=True)
class Objective:
    """The share of events that bring it about within so many seconds, over any `days` days."""

    seconds: float
    share: float
    days: float


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
        cap: how often it may reach one customer; None: as often as the payload changes.
        holdout: who is left out to compare with; None: nobody.
        live: whether events bring it up to date between refreshes; its model then says its scope.
        unhashed: payload properties whose change alone makes no new row.
        objective: how fast events are to bring it about; None promises nothing.
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
    cap: Cap | None = None
    holdout: Holdout | None = None
    live: bool = False
    unhashed: tuple[str, ...] = ()
    objective: Objective | None = None


def read_journeys(folder: Path) -> dict[str, Journey]:
    """All journeys declared in the YAML files of `folder`, by name, the first to go out first.

    Raises:
        FatalError: a block lacks a key or has a wrong one; names the file, the model and the key.
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
    where = f"{model['name']} in {path.name}"
    missing = [name for name in _REQUIRED if not block.get(name)]
    if missing:
        raise FatalError(
            f"The journey {where} lacks {', '.join(missing)}.",
            "add it to the block `config.meta.journey` of the model.",
        )
    # A misspelt cap would be no cap.
    for name in block:
        if name not in (*_REQUIRED, *_OPTIONAL):
            _refuse(where, name, f"is not known; known are {', '.join(_OPTIONAL)}")
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
        cap=_cap(where, block),
        holdout=_holdout(where, block),
        live=_live(where, block, meta),
        unhashed=_unhashed(where, block),
        objective=_objective(where, block),
    )


def _cap(where: str, block: Mapping[str, Any]) -> Cap | None:
    said = _part(where, block, "cap", ("sends", "days"))
    if said is None:
        return None
    for name, value in said.items():
        if type(value) is not int or value < 1:
            _refuse(where, f"cap.{name}", f"is {value!r}; it must be a whole number from 1 on")
    return Cap(**said)


def _holdout(where: str, block: Mapping[str, Any]) -> Holdout | None:
    said = _part(where, block, "holdout", ("share", "salt"))
    if said is None:
        return None
    share, salt = said["share"], said["salt"]
    if type(share) is not float or not 0 < share < 1:
        _refuse(where, "holdout.share", f"is {share!r}; it must lie above 0 and below 1")
    if not isinstance(salt, str) or not salt:
        _refuse(where, "holdout.salt", f"is {salt!r}; it must be a text")
    return Holdout(share, salt)


def _objective(where: str, block: Mapping[str, Any]) -> Objective | None:
    said = _part(where, block, "objective", ("seconds", "share", "days"))
    if said is None:
        return None
    for name, value in said.items():
        if type(value) not in (int, float) or value <= 0:
            _refuse(where, f"objective.{name}", f"is {value!r}; it must be a number above 0")
    if said["share"] >= 1:
        _refuse(where, "objective.share", "must lie below 1: a budget of none is always broken")
    return Objective(**said)


def _live(where: str, block: Mapping[str, Any], meta: Mapping[str, Any]) -> bool:
    live = block.get("live", False)
    if not isinstance(live, bool):
        _refuse(where, "live", f"is {live!r}; it must be true or false")
    if live and not meta.get("scope"):
        _refuse(where, "live", "needs `config.meta.scope`, by which the model finds its rows")
    return live


def _unhashed(where: str, block: Mapping[str, Any]) -> tuple[str, ...]:
    names = block.get("unhashed", [])
    if not isinstance(names, list):
        _refuse(where, "unhashed", f"is {names!r}; it must be a list of payload properties")
    for name in names:
        if name not in block["payload"]:
            _refuse(where, "unhashed", f"names {name!r}, which is no property of the payload")
    if set(names) == set(block["payload"]):
        _refuse(where, "unhashed", "names the whole payload, so that no change would be sent")
    return tuple(names)


def _part(
    where: str, block: Mapping[str, Any], key: str, names: tuple[str, ...]
) -> dict[str, Any] | None:
    """The values under a key that has exactly these names; None where the block lacks the key."""
    if key not in block:
        return None
    said = block[key]
    if not isinstance(said, Mapping) or set(said) != set(names):
        _refuse(where, key, f"is {said!r}; it must have exactly {' and '.join(names)}")
    return dict(said)


def _refuse(where: str, key: str, what: str) -> NoReturn:
    raise FatalError(
        f"The journey {where}: {key} {what}.",
        "correct it in the block `config.meta.journey` of the model.",
    )
