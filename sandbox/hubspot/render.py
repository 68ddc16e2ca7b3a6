"""Documents as HubSpot answers them: every value is text."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sandbox.hubspot.schema import ObjectType
from sandbox.world.edits import (
    BY_FORM,
    BY_IMPORT,
    BY_INTEGRATION,
    WITH_HISTORY,
    Entry,
    history_of,
)
from sandbox.world.model import Document

_INTERNAL = frozenset(
    {"created_at", "updated_at", "archived_at", "person_id", "associations", "createdate"}
    | {"properties_with_history", "associatedcompanyid"}
)

_SOURCES = {
    BY_INTEGRATION: {"sourceId": "2317841", "sourceLabel": "Customer data integration"},
    BY_IMPORT: {"sourceId": "70231155"},
    BY_FORM: {"sourceId": "b2f7c1de-5a0e-4a43-9a55-6d1f1f0a7c11"},
}
"""What HubSpot says besides the source type where no person made a change."""


def timestamp(moment: datetime) -> str:
    """ISO 8601 with milliseconds and Z."""
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"


def as_text(value: object) -> str | None:
    """A property's value."""
    if value is None or type(value) is str:
        return value
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, datetime):
        return timestamp(value)
    return str(value)


def property_value(kind: ObjectType, record_id: str, document: Document, name: str) -> str | None:
    """The value of one property as text, None where it has none."""
    if name == "hs_object_id":
        return record_id
    if name == kind.modified:
        return timestamp(document["updated_at"])
    return as_text(document.get(name))


def _entry(value: str, moment: datetime, source: str, user: int | None) -> dict[str, Any]:
    """One value of a property's history; who made it stands there as HubSpot tells it."""
    entry: dict[str, Any] = {
        "value": value,
        "timestamp": timestamp(moment),
        "sourceType": source,
    }
    if user is not None:
        return {**entry, "sourceId": f"userId:{user}", "updatedByUserId": user}
    return entry | _SOURCES.get(source, {})


def links(kind: ObjectType, document: Document, other: str) -> list[str]:
    """Identifiers of the objects of another type that the object is linked to."""
    if other not in kind.links:
        return []
    if other == "companies":
        company = document.get("associatedcompanyid")
        return [company] if company else []
    return document.get("associations") or []


class Renderer:
    """Renders records of one type for one set of wishes.

    Args:
        kind: the object type.
        properties: names asked for; the default ones where empty.
        history: names asked for with their history.
        associations: types asked for.
        drifts: add fields that no contract knows.
    """

    def __init__(
        self,
        kind: ObjectType,
        properties: Sequence[str] = (),
        history: Sequence[str] = (),
        associations: Sequence[str] = (),
        *,
        drifts: bool = False,
    ) -> None:
        self.kind = kind
        always = ("createdate", "hs_createdate", kind.modified, "hs_object_id")
        asked = [*properties, *history, *always] if properties or history else list(kind.default)
        special = {kind.modified, "hs_object_id"}
        self.names = [
            name for name in dict.fromkeys(asked) if name in kind.properties and name not in special
        ]
        self.history = [name for name in history if name in kind.properties]
        self.associations = [name for name in associations if name in kind.links]
        self.drifts = drifts
        self.known = _INTERNAL | kind.properties.keys()

    def record(self, record_id: str, document: Document) -> dict[str, Any]:
        """One CRM object."""
        updated = timestamp(document["updated_at"])
        values = {name: as_text(document.get(name)) for name in self.names}
        values["hs_object_id"] = record_id
        values[self.kind.modified] = updated
        made: dict[str, Any] = {
            "id": record_id,
            "properties": values,
            "createdAt": timestamp(document["created_at"]),
            "updatedAt": updated,
            "archived": document["archived_at"] is not None,
        }
        if document["archived_at"] is not None:
            made["archivedAt"] = timestamp(document["archived_at"])
        if self.history:
            made["propertiesWithHistory"] = self._history(record_id, document)
        if self.associations:
            made["associations"] = self._associations(document) or None
            if made["associations"] is None:
                del made["associations"]
        if self.drifts:
            made["recordOrigin"] = {"source": "CRM_UI", "confidence": 1}
        for name in document.keys() - self.known:
            made[name] = as_text(document[name])
        return made

    def _history(self, record_id: str, document: Document) -> dict[str, list[dict[str, Any]]]:
        return {
            name: [_entry(*entry) for entry in self._entries(record_id, document, name)]
            for name in self.history
        }

    def _entries(self, record_id: str, document: Document, name: str) -> list[Entry]:
        if self.kind.name == "contacts" and name in WITH_HISTORY:
            return history_of(record_id, document, name)
        value = property_value(self.kind, record_id, document, name)
        return [] if value is None else [(value, document["created_at"], BY_IMPORT, None)]

    def _associations(self, document: Document) -> dict[str, Any]:
        made = {}
        for other in self.associations:
            found = links(self.kind, document, other)
            if found:
                name = self.kind.links[other]
                made[other] = {"results": [{"id": key, "type": name} for key in found]}
        return made
