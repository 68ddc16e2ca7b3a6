"""From rows to Klaviyo's profiles, and from profiles to batches within the vendor's limits."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from orchestration_assets.errors import FatalError
from orchestration_assets.model import OutgoingRow

MAX_PROFILES = 10_000
MAX_JOB_BYTES = 5_000_000
MAX_PROFILE_BYTES = 100_000
# Room for what surrounds the profiles in a request.
_ENVELOPE_BYTES = 2_000

# In the order in which they tell one row from another.
IDENTIFIERS = ("external_id", "email", "phone_number")
_LOCATION = frozenset(
    {
        "address1",
        "address2",
        "city",
        "country",
        "region",
        "zip",
        "timezone",
        "latitude",
        "longitude",
    }
)
_ATTRIBUTES = frozenset(
    {*IDENTIFIERS, "first_name", "last_name", "organization", "title", "locale", "image"}
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A row in Klaviyo's shape.

    Args:
        row: the row as it came.
        profile: JSON:API object of the import.
        identity: its identifiers, without regard to case.
        size: bytes of the profile as JSON.
    """

    row: OutgoingRow
    profile: Mapping[str, Any]
    identity: Mapping[str, str]
    size: int


def identifier_of(options: Mapping[str, Any]) -> str:
    """The journey's option `identifier`, `email` by default.

    Raises:
        FatalError: it is none of a profile's identifiers.
    """
    identifier = str(options.get("identifier") or "email")
    if identifier not in IDENTIFIERS:
        raise FatalError(
            "klaviyo: the option identifier names no identifier of a profile.",
            f"set it to one of {', '.join(IDENTIFIERS)} in the journey's YAML.",
        )
    return identifier


def prepare(row: OutgoingRow, identifier: str) -> Prepared:
    """Sort a row's payload into attributes, location and custom properties.

    Args:
        row: payload keys that are attributes of a profile become such; `location` may be an
            object, and `location.city` or the like sets one part of it. All other keys become
            custom properties.
        identifier: attribute that the row's `target_key` is the value of, where the payload does
            not hold it already.
    """
    attributes: dict[str, Any] = {}
    location: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    for name, value in row.payload.items():
        place, _, part = name.partition(".")
        if name in _ATTRIBUTES:
            attributes[name] = value
        elif name == "location" and isinstance(value, Mapping):
            location.update(value)
        elif place == "location" and part in _LOCATION:
            location[part] = value
        elif name == "properties" and isinstance(value, Mapping):
            properties.update(value)
        else:
            properties[name] = value
    if not attributes.get(identifier):
        attributes[identifier] = row.target_key
    if location:
        attributes["location"] = location
    if properties:
        attributes["properties"] = properties
    profile = {"type": "profile", "attributes": attributes}
    identity = {
        name: str(attributes[name]).casefold() for name in IDENTIFIERS if attributes.get(name)
    }
    return Prepared(row, profile, identity, len(orjson.dumps(profile)))


def batches(rows: Iterable[Prepared]) -> Iterator[Sequence[Prepared]]:
    """Split rows into jobs: within the vendor's limits, no identifier twice in one job.

    An error of a job names a row by its identifiers, which must therefore be its own.
    """
    pending = list(rows)
    while pending:
        batch: list[Prepared] = []
        later: list[Prepared] = []
        taken: set[tuple[str, str]] = set()
        size = _ENVELOPE_BYTES
        for row in pending:
            identity = set(row.identity.items())
            fits = len(batch) < MAX_PROFILES and size + row.size + 1 <= MAX_JOB_BYTES
            if not fits or taken & identity:
                later.append(row)
                # A later row of the same profile must not overtake this one.
            else:
                batch.append(row)
                size += row.size + 1
            taken |= identity
        yield batch
        pending = later
