"""Writes: customerSet, consent of an e-mail address, and the start and end of bulk operations.

A write that the vendor refuses is HTTP 200 with `userErrors`; accepted ones are recorded.
"""

import re
from datetime import datetime
from typing import Any

from sandbox.shopify.bulk import BulkRefusedError
from sandbox.shopify.records import Record, find_record, gid
from sandbox.shopify.runtime import Resolver, Runtime

TABLE = "shopify.customers"
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]{2,}")
PHONE = re.compile(r"\+[1-9]\d{6,14}")
MAX_NAME = 255
COLUMNS = {
    "firstName": "first_name",
    "lastName": "last_name",
    "email": "email",
    "phone": "phone",
    "note": "note",
    "locale": "locale",
    "tags": "tags",
    "taxExempt": "tax_exempt",
}
Errors = list[dict[str, Any]]


def _error(code: str, field: list[str] | None, message: str) -> dict[str, Any]:
    return {"code": code, "field": field, "message": message}


def _refused(*errors: dict[str, Any]) -> dict[str, Any]:
    return {"customer": None, "userErrors": list(errors)}


def customer_set(_source: Any, args: dict[str, Any], runtime: Runtime) -> dict[str, Any]:
    """Create or update a customer, found by id, e-mail or phone."""
    values, identifier = args["input"], args.get("identifier") or {}
    target, errors = _target(values, identifier, runtime)
    errors = errors or _check(values, target, runtime)
    if not errors and runtime.context.faults.row_fails("shopify"):
        errors = [_error("INVALID", ["input"], "Customer could not be saved, try again")]
    if errors:
        return _refused(*errors)
    changes = {COLUMNS[name]: value for name, value in values.items() if name in COLUMNS}
    for name in ("email", "phone"):
        if target is None and identifier.get(name):
            changes.setdefault(name, identifier[name])
    if "addresses" in values:
        changes |= _address(values["addresses"])
    world = runtime.context.world
    number = target or world.next_id("shopify")
    if target is None:
        changes = NEW_CUSTOMER | changes
    document = world.upsert(TABLE, number, changes)
    _record(runtime, {"id": gid("Customer", number), **identifier, **values})
    return {"customer": Record("Customer", number, document), "userErrors": []}


NEW_CUSTOMER: dict[str, Any] = {
    "email_marketing_state": "NOT_SUBSCRIBED",
    "email_marketing_opt_in_level": "SINGLE_OPT_IN",
    "email_marketing_updated_at": None,
    "sms_marketing_state": "NOT_SUBSCRIBED",
    "sms_marketing_updated_at": None,
    "state": "DISABLED",
    "number_of_orders": 0,
    "amount_spent": "0.00",
    "amount_spent_currency": "EUR",
    "locale": "en",
    "tags": [],
    "verified_email": True,
}


def _target(
    values: dict[str, Any], identifier: dict[str, Any], runtime: Runtime
) -> tuple[str | None, Errors]:
    """Number of the customer to update; None makes a new one."""
    world = runtime.context.world
    wanted_id = identifier.get("id") or values.get("id")
    if wanted_id:
        record = find_record(world, "Customer", wanted_id)
        if record is None:
            return None, [_error("NOT_FOUND", ["identifier", "id"], "Customer not found")]
        return record.id, []
    for name in ("email", "phone"):
        wanted = identifier.get(name)
        if wanted is None:
            continue
        given = values.get(name)
        if given is not None and given.casefold() != wanted.casefold():
            message = f"Input {name} does not match the identifier"
            return None, [_error("INPUT_MISMATCH", ["input", name], message)]
        found = world.find(TABLE, name, wanted)
        return (found[0] if found else None), []
    return None, []


def _check(values: dict[str, Any], target: str | None, runtime: Runtime) -> Errors:
    errors: Errors = []
    for name, pattern, label in (("email", EMAIL, "Email"), ("phone", PHONE, "Phone")):
        value = values.get(name)
        if not value:
            continue
        if not pattern.fullmatch(value):
            errors.append(_error("INVALID", ["input", name], f"{label} is invalid"))
        elif set(runtime.context.world.find(TABLE, name, value)) - {target}:
            message = f"{label} has already been taken"
            errors.append(_error("TAKEN", ["input", name], message))
    for name, label in (("firstName", "First name"), ("lastName", "Last name")):
        if len(values.get(name) or "") > MAX_NAME:
            message = f"{label} is too long (maximum is {MAX_NAME} characters)"
            errors.append(_error("TOO_LONG", ["input", name], message))
    named = any(values.get(name) for name in ("email", "phone", "firstName", "lastName"))
    if target is None and not named and not errors:
        message = "A name, phone number, or email address must be present"
        errors.append(_error("INVALID", ["input"], message))
    return errors


def _address(addresses: list[dict[str, Any]] | None) -> dict[str, Any]:
    first = addresses[0] if addresses else {}
    return {
        "address1": first.get("address1"),
        "city": first.get("city"),
        "zip": first.get("zip"),
        "country_code": first.get("countryCode"),
    }


def _record(runtime: Runtime, row: dict[str, Any]) -> None:
    runtime.context.request_log.accepted("shopify", "POST", runtime.path, 200, [row])


def email_consent(_source: Any, args: dict[str, Any], runtime: Runtime) -> dict[str, Any]:
    """Set the marketing consent of a customer's e-mail address."""
    customer_id = args["input"]["customerId"]
    consent = args["input"]["emailMarketingConsent"]
    record = find_record(runtime.context.world, "Customer", customer_id)
    field = ["input", "customerId"]
    if record is None:
        return _refused(_error("INVALID", field, "Customer not found"))
    if not record.document.get("email"):
        message = "Customer must have an email address"
        return _refused(_error("INVALID", field, message))
    if consent["marketingState"] in {"NOT_SUBSCRIBED", "REDACTED", "INVALID"}:
        field = ["input", "emailMarketingConsent", "marketingState"]
        message = "Cannot specify this marketing state as a marketing state input"
        return _refused(_error("INVALID", field, message))
    decided_at = consent.get("consentUpdatedAt")
    clock = runtime.context.world.clock()
    document = runtime.context.world.upsert(
        TABLE,
        record.id,
        {
            "email_marketing_state": consent["marketingState"],
            "email_marketing_opt_in_level": consent.get("marketingOptInLevel")
            or record.document.get("email_marketing_opt_in_level"),
            "email_marketing_updated_at": datetime.fromisoformat(decided_at)
            if decided_at
            else clock,
        },
    )
    _record(runtime, {"id": customer_id, **consent})
    return {"customer": Record("Customer", record.id, document), "userErrors": []}


def run_bulk_query(_source: Any, args: dict[str, Any], runtime: Runtime) -> dict[str, Any]:
    """Start a bulk operation, unless one runs."""
    current = runtime.bulk.latest()
    if current is not None and current.is_open:
        message = (
            f"A bulk query operation for this app and shop is already in progress: {current.id}."
        )
        return {
            "bulkOperation": None,
            "userErrors": [_error("OPERATION_IN_PROGRESS", None, message)],
        }
    checked = runtime.check(args["query"])
    problem = "; ".join(error.message for error in checked.errors)
    if not problem and checked.document is not None:
        try:
            operation = runtime.bulk.start(
                args["query"], checked.document, runtime, grouped=args["groupObjects"]
            )
        except BulkRefusedError as error:
            problem = str(error)
        else:
            return {"bulkOperation": operation, "userErrors": []}
    return {
        "bulkOperation": None,
        "userErrors": [_error("INVALID", ["query"], f"Invalid bulk query: {problem}")],
    }


def cancel_bulk(_source: Any, args: dict[str, Any], runtime: Runtime) -> dict[str, Any]:
    """Cancel a running bulk operation."""
    operation = runtime.bulk.get(args["id"])
    errors: Errors = []
    if operation is None:
        errors = [_error("INVALID", ["id"], "Bulk operation does not exist")]
    elif not operation.is_open:
        message = f"A bulk operation cannot be canceled when it is {operation.status.lower()}"
        errors = [_error("INVALID", None, message)]
    else:
        runtime.bulk.cancel(operation)
    return {"bulkOperation": operation, "userErrors": errors}


def _entry(name: str) -> Resolver:
    return lambda source, _args, _runtime: source.get(name)


MUTATION: dict[str, Resolver] = {
    "customerSet": customer_set,
    "customerEmailMarketingConsentUpdate": email_consent,
    "bulkOperationRunQuery": run_bulk_query,
    "bulkOperationCancel": cancel_bulk,
}
PAYLOADS: dict[str, dict[str, Resolver]] = {
    "Mutation": MUTATION,
    **{
        name: {field: _entry(field) for field in ("customer", "bulkOperation", "userErrors")}
        for name in (
            "CustomerSetPayload",
            "CustomerEmailMarketingConsentUpdatePayload",
            "BulkOperationRunQueryPayload",
            "BulkOperationCancelPayload",
        )
    },
    **{
        name: {field: _entry(field) for field in ("code", "field", "message")}
        for name in (
            "CustomerSetUserError",
            "CustomerEmailMarketingConsentUpdateUserError",
            "BulkOperationUserError",
            "UserError",
        )
    },
}
