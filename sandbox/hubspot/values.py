"""Checks and stores property values as they come in."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sandbox.hubspot.errors import invalid
from sandbox.hubspot.schema import READ_ONLY, ObjectType
from sandbox.world.edits import BY_INTEGRATION, with_history
from sandbox.world.errors import UNDELIVERABLE_DOMAINS
from sandbox.world.model import Document, World

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")


class RowError(Exception):
    """One row that HubSpot refuses while it takes the others.

    Args:
        category: HubSpot's category.
        message: HubSpot's message.
        code: code of the error on the property.
        name: the property.
    """

    def __init__(
        self, category: str, message: str, code: str | None = None, name: str | None = None
    ) -> None:
        super().__init__(message)
        self.category, self.message, self.code, self.name = category, message, code, name


def refuse_unknown(kind: ObjectType, inputs: list[Mapping[str, Any]]) -> None:
    """Refuse the whole call when a property does not exist.

    Raises:
        HubSpotError: 400 PROPERTY_DOESNT_EXIST.
    """
    for entry in inputs:
        for name in entry.get("properties") or {}:
            if name not in kind.properties:
                message = (
                    'Property values were not valid: [{"isValid":false,"message":"Property '
                    f'\\"{name}\\" does not exist","error":"PROPERTY_DOESNT_EXIST",'
                    f'"name":"{name}"}}]'
                )
                raise invalid(message, "PROPERTY_DOESNT_EXIST", {"propertyName": [name]})


def normal_email(value: object) -> str:
    """The address as HubSpot stores it.

    Raises:
        RowError: it is no address, or its domain takes no mail.
    """
    email = str(value).strip().lower()
    domain = email.rpartition("@")[2]
    if not _EMAIL.fullmatch(email) or domain in UNDELIVERABLE_DOMAINS:
        message = "Property values were not valid: the email address is invalid"
        raise RowError("VALIDATION_ERROR", message, "INVALID_EMAIL", "email")
    return email


def checked(kind: ObjectType, properties: Mapping[str, Any]) -> dict[str, Any]:
    """The values as they are stored; properties that cannot be written are left out.

    Raises:
        RowError: a value does not fit its property's type.
    """
    stored: dict[str, Any] = {}
    for name, value in properties.items():
        if name in READ_ONLY:
            continue
        if value is None or value == "":
            stored[name] = None
        elif name == "email" and kind.name == "contacts":
            stored[name] = normal_email(value)
        else:
            stored[name] = _value(kind, name, value)
    return stored


def _value(kind: ObjectType, name: str, value: object) -> object:
    definition = kind.properties[name]
    text = str(value).lower() if isinstance(value, bool) else str(value)
    try:
        if definition.type == "number":
            float(text)
        elif definition.type in ("date", "datetime") and not text.lstrip("-").isdigit():
            return _date(text, definition.type)
    except ValueError as error:
        code = "INVALID_DATE" if definition.type.startswith("date") else "INVALID_INTEGER"
        message = f"Property values were not valid: {name} was not a valid {definition.type}"
        raise RowError("VALIDATION_ERROR", message, code, name) from error
    if definition.type == "bool" or name == "hs_email_optout":
        return text == "true"
    if definition.options and text not in definition.options:
        message = f"Property values were not valid: {name} has no such option"
        raise RowError("VALIDATION_ERROR", message, "INVALID_OPTION", name)
    return text


def _date(text: str, kind: str) -> object:
    """A date stays text; a time becomes a datetime."""
    moment = datetime.fromisoformat(text)
    return text if kind == "date" else moment


def store(world: World, kind: ObjectType, record_id: str, values: Mapping[str, Any]) -> Document:
    """Write the values; what HubSpot keeps the history of gets a new entry when it changes."""
    before = world.tables[kind.table].get(record_id) or {}
    changes, moment = dict(values), world.clock()
    if kind.name == "contacts":
        changes = with_history(record_id, before, changes, moment, BY_INTEGRATION)
    if not before:
        changes = {**_blank(kind), "createdate": moment, **changes}
    return world.upsert(kind.table, record_id, changes, at=moment)


def _blank(kind: ObjectType) -> Document:
    """All fields of a new document, empty, so that every document has the same fields."""
    blank: Document = {name: None for name, item in kind.properties.items() if not item.is_own}
    if kind.name == "contacts":
        blank["shopify_customer_id"] = None
        blank["properties_with_history"] = {}
    if kind.name != "contacts" and "contacts" in kind.links:
        blank["associations"] = []
    for name in ("hs_object_id", "lastmodifieddate", "hs_lastmodifieddate"):
        blank.pop(name, None)
    return blank
