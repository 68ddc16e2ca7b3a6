"""Documents of the world as JSON:API resources."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from sandbox.world.model import Document

LOCATION = ("address1", "address2", "city", "country", "region", "zip", "timezone")
PLAIN = (
    "email",
    "phone_number",
    "external_id",
    "first_name",
    "last_name",
    "organization",
    "locale",
    "title",
    "image",
)
SHOWN_ELSEWHERE = frozenset(
    {
        *LOCATION,
        *PLAIN,
        *"properties last_event_date created_at updated_at archived_at person_id".split(),
        *"email_consent email_consent_at email_suppressed sms_consent sms_consent_at".split(),
    }
)
DRIFT = {"loyalty_tier": "gold"}


def stamp(value: Any) -> Any:
    """A time as the vendor writes it, to the second; text that is no time passes unchanged."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    return value


def profile_resource(
    base_url: str,
    profile_id: str,
    document: Document,
    *,
    subscriptions: bool = False,
    drifts: bool = False,
) -> dict[str, Any]:
    """A `profile`; with its subscriptions where they were asked for."""
    attributes: dict[str, Any] = {name: document.get(name) for name in PLAIN}
    attributes["created"] = stamp(document["created_at"])
    attributes["updated"] = stamp(document["updated_at"])
    attributes["last_event_date"] = stamp(document.get("last_event_date"))
    attributes["location"] = {name: document.get(name) for name in LOCATION} | {"ip": None}
    attributes["properties"] = document.get("properties") or {}
    for name in document.keys() - SHOWN_ELSEWHERE:
        attributes[name] = stamp(document[name])
    if drifts:
        attributes |= DRIFT
    if subscriptions:
        attributes["subscriptions"] = _subscriptions(document)
    url = f"{base_url}/api/profiles/{profile_id}"
    return {
        "type": "profile",
        "id": profile_id,
        "attributes": attributes,
        "relationships": related_links(url, "lists", "segments", "push-tokens"),
        "links": {"self": f"{url}/"},
    }


def related_links(url: str, *names: str) -> dict[str, Any]:
    """Relationships of a resource, each with its links only."""
    return {
        name: {
            "links": {"self": f"{url}/relationships/{name}/", "related": f"{url}/{name}/"},
        }
        for name in names
    }


def _subscriptions(document: Document) -> dict[str, Any]:
    email = document.get("email_consent") or "NEVER_SUBSCRIBED"
    sms = document.get("sms_consent") or "NEVER_SUBSCRIBED"
    suppression = document.get("email_suppressed") or []
    return {
        "email": {
            "marketing": {
                "can_receive_email_marketing": bool(document.get("email"))
                and email != "UNSUBSCRIBED"
                and not suppression,
                "consent": email,
                "consent_timestamp": stamp(document.get("email_consent_at")),
                "last_updated": stamp(document.get("email_consent_at")),
                "method": None if email == "NEVER_SUBSCRIBED" else "FORM",
                "method_detail": None,
                "custom_method_detail": None,
                "double_optin": None,
                "suppression": suppression,
                "list_suppressions": [],
            }
        },
        "sms": {
            "marketing": {
                "can_receive_sms_marketing": sms == "SUBSCRIBED",
                "consent": sms,
                "consent_timestamp": stamp(document.get("sms_consent_at")),
                "method": None if sms == "NEVER_SUBSCRIBED" else "FORM",
                "method_detail": None,
                "last_updated": stamp(document.get("sms_consent_at")),
            }
        },
    }


def event_resource(base_url: str, event_id: str, document: Document) -> dict[str, Any]:
    """An `event` with its profile and metric."""
    url = f"{base_url}/api/events/{event_id}"
    relationships = related_links(url, "profile", "metric")
    for name in ("profile", "metric"):
        relationships[name]["data"] = {"type": name, "id": document[f"{name}_id"]}
    moment = document.get("datetime")
    is_time = isinstance(moment, datetime)
    return {
        "type": "event",
        "id": event_id,
        "attributes": {
            "timestamp": int(moment.timestamp()) if is_time else None,
            "event_properties": document.get("event_properties") or {},
            "datetime": stamp(moment),
            "uuid": event_id,
        },
        "relationships": relationships,
        "links": {"self": f"{url}/"},
    }


def metric_resource(base_url: str, metric_id: str, document: Document) -> dict[str, Any]:
    """A `metric`."""
    url = f"{base_url}/api/metrics/{metric_id}"
    return {
        "type": "metric",
        "id": metric_id,
        "attributes": {
            "name": document.get("name"),
            "created": stamp(document["created_at"]),
            "updated": stamp(document["updated_at"]),
            "integration": {
                "object": "integration",
                "id": "0000API",
                "name": "API",
                "category": "API",
            },
        },
        "relationships": related_links(url, "flow-triggers"),
        "links": {"self": f"{url}/"},
    }


def list_resource(base_url: str, list_id: str, document: Document) -> dict[str, Any]:
    """A `list`."""
    url = f"{base_url}/api/lists/{list_id}"
    return {
        "type": "list",
        "id": list_id,
        "attributes": {
            "name": document.get("name"),
            "created": stamp(document["created_at"]),
            "updated": stamp(document["updated_at"]),
            "opt_in_process": document.get("opt_in_process") or "single_opt_in",
        },
        "relationships": related_links(url, "profiles", "tags", "flow-triggers"),
        "links": {"self": f"{url}/"},
    }


def job_resource(
    base_url: str, kind: str, job_id: str, attributes: dict[str, Any], list_ids: Iterable[str]
) -> dict[str, Any]:
    """A job of any kind."""
    url = f"{base_url}/api/{kind}s/{job_id}"
    relationships = related_links(url, "lists")
    relationships["lists"]["data"] = [{"type": "list", "id": list_id} for list_id in list_ids]
    return {
        "type": kind,
        "id": job_id,
        "attributes": {name: stamp(value) for name, value in attributes.items()},
        "relationships": relationships,
        "links": {"self": f"{url}/"},
    }


def sparse(resource: dict[str, Any], wanted: frozenset[str] | None) -> dict[str, Any]:
    """Only the attributes asked for; dotted names keep a part of an object."""
    if wanted is None:
        return resource
    attributes = resource["attributes"]
    kept: dict[str, Any] = {}
    for name in wanted:
        head, _, tail = name.partition(".")
        if head not in attributes:
            continue
        if tail and isinstance(attributes[head], dict):
            kept.setdefault(head, {})[tail] = attributes[head].get(tail)
        else:
            kept[head] = attributes[head]
    return resource | {"attributes": kept}


Make = Callable[[str, Document], dict[str, Any]]
