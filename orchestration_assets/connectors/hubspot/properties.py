"""The properties that Accord adds to HubSpot contacts, and how values are written."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from orchestration_assets.connectors.hubspot.streams import OWN_PREFIX

GROUP = "contactinformation"

# HubSpot's type and form field of a property, by what the values are.
_NUMBER = ("number", "number")
_DATE = ("date", "date")
_TEXT = ("string", "text")
_FLAG = ("bool", "booleancheckbox")

_KNOWN = {
    "accord_lifetime_value": _NUMBER,
    "accord_order_count": _NUMBER,
    "accord_last_order_date": _DATE,
    "accord_segment": _TEXT,
}


def definition(name: str, values: Iterable[Any]) -> dict[str, Any]:
    """What makes the property `name` in HubSpot; its type follows the first value that is set."""
    kind, form = _KNOWN.get(name) or _type_of(next((v for v in values if v is not None), None))
    made: dict[str, Any] = {
        "name": name,
        "label": "Accord: " + name.removeprefix(OWN_PREFIX).replace("_", " "),
        "description": "Written by Accord; changes made by hand are overwritten.",
        "groupName": GROUP,
        "type": kind,
        "fieldType": form,
        "formField": False,
    }
    if kind == "bool":
        made["options"] = [
            {"label": label, "value": value, "displayOrder": order, "hidden": False}
            for order, (label, value) in enumerate((("Yes", "true"), ("No", "false")))
        ]
    return made


def encode(payload: Mapping[str, Any]) -> dict[str, str]:
    """Values as HubSpot takes them: text, with an empty one to clear a property."""
    return {name: _text(value) for name, value in payload.items()}


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _type_of(value: Any) -> tuple[str, str]:
    if isinstance(value, bool):
        return _FLAG
    if isinstance(value, int | float):
        return _NUMBER
    if isinstance(value, str) and _is_date(value):
        return _DATE
    return _TEXT


def _is_date(text: str) -> bool:
    try:
        return len(text) == len("2026-01-31") and bool(date.fromisoformat(text))
    except ValueError:
        return False
