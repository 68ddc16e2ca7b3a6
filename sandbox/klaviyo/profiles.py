"""Writing one profile: what the vendor refuses, whom it matches, what it changes."""

import re
from typing import Any

from sandbox.klaviyo.errors import invalid, not_found
from sandbox.klaviyo.resources import LOCATION, PLAIN
from sandbox.world.model import Document, World

TABLE = "klaviyo.profiles"
EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;.]+(\.[^@\s,;.]+)*\.[A-Za-z]{2,}")
PHONE = re.compile(r"\+[1-9]\d{6,14}")
IDENTIFIERS = ("external_id", "email", "phone_number")
NEW_PROFILE: Document = {
    "email_consent": "NEVER_SUBSCRIBED",
    "email_consent_at": None,
    "email_suppressed": [],
    "sms_consent": "NEVER_SUBSCRIBED",
    "sms_consent_at": None,
    "properties": {},
    "last_event_date": None,
}


def check_profile(resource: Any, pointer: str = "/data") -> dict[str, Any]:
    """The attributes of a profile in a request.

    Raises:
        KlaviyoError: the vendor would refuse it.
    """
    if not isinstance(resource, dict) or resource.get("type") != "profile":
        raise invalid("The resource must be of type 'profile'.", pointer=f"{pointer}/type")
    attributes = resource.get("attributes")
    if not isinstance(attributes, dict):
        raise invalid("'attributes' is a required field.", pointer=f"{pointer}/attributes")
    email, phone = attributes.get("email"), attributes.get("phone_number")
    if email and not EMAIL.fullmatch(str(email)):
        raise invalid("Invalid email address", pointer=f"{pointer}/attributes/email")
    if phone and not PHONE.fullmatch(str(phone)):
        raise invalid(
            "Invalid phone number format (Example of a valid format: +12345678901)",
            pointer=f"{pointer}/attributes/phone_number",
        )
    for name, kind in (("properties", dict), ("location", dict)):
        if attributes.get(name) is not None and not isinstance(attributes[name], kind):
            raise invalid(f"'{name}' must be an object.", pointer=f"{pointer}/attributes/{name}")
    if not resource.get("id") and not any(attributes.get(name) for name in IDENTIFIERS):
        raise invalid(
            "One of `email`, `phone_number`, `external_id` or `id` is required.",
            pointer=f"{pointer}/attributes",
        )
    return attributes


def find_profile(world: World, resource: dict[str, Any]) -> str | None:
    """Identifier of the living profile that a resource means, None for a new one.

    Raises:
        KlaviyoError: it names an identifier that does not exist.
    """
    profile_id = resource.get("id")
    if profile_id:
        document = world.tables[TABLE].get(profile_id)
        if document is None or document["archived_at"] is not None:
            raise not_found("profile", str(profile_id))
        return profile_id
    attributes = resource["attributes"]
    for name in IDENTIFIERS:
        if attributes.get(name):
            found = world.find(TABLE, name, attributes[name])
            if found:
                return found[0]
    return None


def save_profile(world: World, resource: dict[str, Any]) -> tuple[str, bool]:
    """Create or update a profile; null clears a field, a missing one stays.

    Returns:
        The identifier, and whether the profile is new.

    Raises:
        KlaviyoError: the vendor would refuse it.
    """
    attributes = check_profile(resource)
    profile_id = find_profile(world, resource)
    is_new = profile_id is None
    if profile_id is None:
        profile_id = world.next_id("klaviyo")
    before = world.tables[TABLE].get(profile_id, NEW_PROFILE)
    changes: Document = dict(NEW_PROFILE) if is_new else {}
    changes |= {name: attributes[name] for name in PLAIN if name in attributes}
    location = attributes.get("location") or {}
    changes |= {name: location[name] for name in LOCATION if name in location}
    if attributes.get("properties"):
        merged = (before.get("properties") or {}) | attributes["properties"]
        changes["properties"] = {name: v for name, v in merged.items() if v is not None}
    world.upsert(TABLE, profile_id, changes)
    return profile_id, is_new


def accepted_row(profile_id: str, resource: dict[str, Any], **more: Any) -> dict[str, Any]:
    """How an accepted profile stands in the log of requests."""
    return {"id": profile_id, **resource["attributes"], **more}


def join_list(world: World, list_id: str, profile_id: str) -> bool:
    """Make a profile a member of a list; false where it is one."""
    key = f"{list_id}:{profile_id}"
    member = world.tables["klaviyo.list_members"].get(key)
    if member is not None and member["archived_at"] is None:
        return False
    world.upsert(
        "klaviyo.list_members",
        key,
        {
            "list_id": list_id,
            "profile_id": profile_id,
            "joined_at": world.clock(),
            "archived_at": None,
        },
    )
    return True


def leave_list(world: World, list_id: str, profile_id: str) -> bool:
    """End a membership; false where there is none."""
    key = f"{list_id}:{profile_id}"
    member = world.tables["klaviyo.list_members"].get(key)
    if member is None or member["archived_at"] is not None:
        return False
    world.archive("klaviyo.list_members", key)
    return True


def require_list(world: World, list_id: str) -> Document:
    """The list.

    Raises:
        KlaviyoError: there is none.
    """
    document = world.tables["klaviyo.lists"].get(list_id)
    if document is None or document["archived_at"] is not None:
        raise not_found("list", list_id)
    return document


def erase(world: World, profile_id: str) -> None:
    """Remove a profile with its events and memberships, leaving nothing personal behind."""
    moment = world.clock()
    blank = dict.fromkeys((*PLAIN, *LOCATION))
    world.upsert(TABLE, profile_id, {**blank, "properties": {}, "archived_at": moment}, at=moment)
    for table in ("klaviyo.events", "klaviyo.list_members"):
        for record_id in world.find(table, "profile_id", profile_id):
            world.archive(table, record_id, at=world.tables[table][record_id]["updated_at"])
