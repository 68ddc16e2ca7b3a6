"""The batch calls: each takes up to 100 inputs and says of every row what became of it."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.context import SandboxContext
from sandbox.hubspot.errors import HubSpotError, invalid, row_error
from sandbox.hubspot.render import Renderer, timestamp
from sandbox.hubspot.schema import ObjectType
from sandbox.hubspot.values import RowError, checked, normal_email, refuse_unknown, store
from sandbox.world.model import Document

MAX_INPUTS = 100
MAX_INPUTS_WITH_HISTORY = 50
Input = Mapping[str, Any]
Outcome = tuple[str, Document, dict[str, Any]]
"""Identifier, document and extra members of a row that was taken."""


def is_number(key: object) -> bool:
    """Whether it can be an identifier of the vendor's: a number of 64 bits."""
    text = str(key)
    return text.isascii() and text.isdigit() and int(text) < 2**63


class Batches:
    """The batch calls of one object type.

    Args:
        context: the sandbox.
        kind: the object type.
    """

    def __init__(self, context: SandboxContext, kind: ObjectType) -> None:
        self.context, self.world, self.kind = context, context.world, kind

    def upsert(self, body: Mapping[str, Any]) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
        """Create or update by a unique property. Returns status, answer and accepted rows."""
        inputs = self._inputs(body)
        for entry in inputs:
            name = entry.get("idProperty")
            if not name:
                raise invalid("Invalid input JSON: idProperty is required for upsert")
            if name not in self.kind.properties or not self.kind.properties[name].is_unique:
                raise invalid(f"Property '{name}' is not a unique identifier property")
        self._refuse_twice([str(entry.get("id")) for entry in inputs])
        refuse_unknown(self.kind, inputs)
        return self._write(inputs, self._upsert_one, 200)

    def create(self, body: Mapping[str, Any]) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
        """Create; a contact whose e-mail exists is a conflict."""
        inputs = self._inputs(body)
        refuse_unknown(self.kind, inputs)
        return self._write(inputs, self.create_one, 201)

    def update(self, body: Mapping[str, Any]) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
        """Update by identifier or by a unique property."""
        inputs = self._inputs(body)
        self._refuse_twice([str(entry.get("id")) for entry in inputs])
        refuse_unknown(self.kind, inputs)
        return self._write(inputs, self.update_one, 200)

    def archive(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Archive by identifier; unknown ones are passed over, as HubSpot does."""
        archived = []
        for entry in self._inputs(body):
            record_id = str(entry.get("id"))
            document = self.world.tables[self.kind.table].get(record_id)
            if document is not None and document["archived_at"] is None:
                self.world.archive(self.kind.table, record_id)
                archived.append({"id": record_id, "archived": True})
        return archived

    def read(self, body: Mapping[str, Any], *, archived: bool) -> tuple[int, dict[str, Any]]:
        """Read by identifier or by a unique property; absent ones are named in `errors`."""
        history = body.get("propertiesWithHistory") or []
        inputs = self._inputs(body, MAX_INPUTS_WITH_HISTORY if history else MAX_INPUTS)
        drifts = self.context.faults.drifts("hubspot")
        renderer = Renderer(self.kind, body.get("properties") or [], history, drifts=drifts)
        by_number = not body.get("idProperty")
        if by_number and (wrong := [e.get("id") for e in inputs if not is_number(e.get("id"))]):
            raise invalid(f"Invalid input JSON: {wrong[0]!r} is no object identifier")
        found, missing = [], []
        for key in dict.fromkeys(str(entry.get("id")) for entry in inputs):
            record_id = self.resolve(key, body.get("idProperty"), archived=archived)
            if record_id is None:
                missing.append(key)
            else:
                document = self.world.tables[self.kind.table][record_id]
                found.append(renderer.record(record_id, document))
        errors = []
        if missing:
            message = (
                f"Could not get some {self.kind.singular} objects, they may be deleted or not "
                "exist. Check that ids are valid."
            )
            errors = [{**row_error("OBJECT_NOT_FOUND", message, None), "context": {"ids": missing}}]
        return (207 if errors else 200), self._answer(found, errors)

    def resolve(self, key: str, id_property: str | None, *, archived: bool = False) -> str | None:
        """The identifier of the object that a key names; None where there is none."""
        if id_property and id_property != "hs_object_id":
            found = self.world.find(self.kind.table, id_property, key)
            return found[0] if found else None
        document = self.world.tables[self.kind.table].get(key)
        if document is None or (document["archived_at"] is not None) is not archived:
            return None
        return key

    def create_one(self, entry: Input) -> Outcome:
        """Create one object.

        Raises:
            RowError: the vendor refuses the row.
        """
        values = checked(self.kind, entry.get("properties") or {})
        email = values.get("email")
        if email is not None and self.kind.name == "contacts":
            existing = self.world.find(self.kind.table, "email", email)
            if existing:
                message = f"Contact already exists. Existing ID: {existing[0]}"
                raise RowError("CONFLICT", message, "CONTACT_EXISTS", "email")
        record_id = self.world.next_id("hubspot")
        return record_id, store(self.world, self.kind, record_id, values), {}

    def update_one(self, entry: Input) -> Outcome:
        """Update one object.

        Raises:
            RowError: the vendor refuses the row, or there is no such object.
        """
        record_id = self.resolve(str(entry.get("id")), entry.get("idProperty"))
        if record_id is None:
            raise RowError("OBJECT_NOT_FOUND", f"No {self.kind.singular} with that id was found")
        values = checked(self.kind, entry.get("properties") or {})
        email = values.get("email")
        if email is not None and self.kind.name == "contacts":
            others = set(self.world.find(self.kind.table, "email", email)) - {record_id}
            if others and self.world.tables[self.kind.table][record_id].get("email") != email:
                message = f"Contact already exists. Existing ID: {min(others)}"
                raise RowError("CONFLICT", message, "CONTACT_EXISTS", "email")
        return record_id, store(self.world, self.kind, record_id, values), {}

    def _upsert_one(self, entry: Input) -> Outcome:
        name, key = str(entry["idProperty"]), str(entry.get("id") or "")
        if not key.strip():
            raise RowError("VALIDATION_ERROR", "id must not be blank", "REQUIRED_FIELD", name)
        if name == "email":
            key = normal_email(key)
        record_id = self.resolve(key, name)
        if record_id is not None:
            outcome = self.update_one(
                {"id": record_id, "properties": entry.get("properties") or {}}
            )
            return outcome[0], outcome[1], {"new": False}
        if name == "hs_object_id":
            raise RowError("OBJECT_NOT_FOUND", f"No {self.kind.singular} with that id was found")
        outcome = self.create_one({"properties": {**(entry.get("properties") or {}), name: key}})
        return outcome[0], outcome[1], {"new": True}

    def _inputs(self, body: Mapping[str, Any], most: int = MAX_INPUTS) -> list[Input]:
        inputs = body.get("inputs")
        if not isinstance(inputs, list) or not all(isinstance(item, Mapping) for item in inputs):
            raise invalid("Invalid input JSON: inputs must be a list of objects")
        if not inputs:
            raise invalid("Invalid input JSON: inputs must not be empty")
        if len(inputs) > most:
            raise invalid(f"The batch contains {len(inputs)} inputs; the maximum is {most}")
        return inputs

    def _refuse_twice(self, keys: list[str]) -> None:
        twice = [
            key for key, count in Counter(key.strip().lower() for key in keys).items() if count > 1
        ]
        if twice:
            listed = ", ".join(twice)
            message = f"Duplicate IDs found in batch input: [{listed}]. ID must be unique"
            raise HubSpotError(400, "VALIDATION_ERROR", message)

    def _write(
        self, inputs: list[Input], write_one: Callable[[Input], Outcome], status: int
    ) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
        started = timestamp(self.world.clock())
        results, errors, accepted = [], [], []
        for entry in inputs:
            trace_id = entry.get("objectWriteTraceId")
            try:
                if self.context.faults.row_fails("hubspot"):
                    raise RowError("CONFLICT", "The object is being changed by another request.")
                record_id, document, extra = write_one(entry)
            except RowError as error:
                errors.append(
                    row_error(error.category, error.message, trace_id, error.code, error.name)
                )
                continue
            properties = entry.get("properties") or {}
            record = Renderer(self.kind, [*properties]).record(record_id, document)
            trace = {} if trace_id is None else {"objectWriteTraceId": trace_id}
            results.append({**record, **extra, **trace})
            accepted.append({"id": record_id, **extra, **trace, "properties": dict(properties)})
        answer = self._answer(results, errors, started)
        return (207 if errors else status), answer, accepted

    def _answer(
        self, results: list[Any], errors: list[Any], started: str | None = None
    ) -> dict[str, Any]:
        now = timestamp(self.world.clock())
        answer = {
            "status": "COMPLETE",
            "results": results,
            "startedAt": started or now,
            "completedAt": now,
        }
        return {**answer, "numErrors": len(errors), "errors": errors} if errors else answer
