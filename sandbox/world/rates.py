"""Measures a world against its truth: how often records of one person disagree, and more.

An exact key is a normalised e-mail, a phone in E.164 or a Shopify customer identifier.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations

import phonenumbers

from sandbox.world.model import PEOPLE_TABLES, Document, World, normalise
from sandbox.world.names import countries

LAPSED_AFTER = timedelta(days=180)
_REGION = {spelling: entry.code for entry in countries() for spelling in entry.spellings}


@dataclass(frozen=True)
class Rates:
    """Shares between 0 and 1; pairs are pairs of records of one person in two systems."""

    cross_system_pairs: int
    keyless_pairs: float
    changed_email_pairs: float
    changed_phone_pairs: float
    people_sharing_identifier: float
    duplicate_records: float
    duplicates_sharing_key: float
    most_frequent_last_name: float
    distinct_last_names: int
    lapsed_buyers: float
    indistinct_people: int


@dataclass(frozen=True)
class _Record:
    system: str
    email: str | None
    phone: str | None
    external: str | None
    full_name: str

    def exact_keys(self) -> set[tuple[str, str]]:
        pairs = (("email", self.email), ("phone", self.phone), ("external", self.external))
        return {(kind, value) for kind, value in pairs if value is not None}


def e164(phone: str | None, region: str | None) -> str | None:
    """The phone in E.164, None where it is missing or no number."""
    if not phone:
        return None
    try:
        parsed = phonenumbers.parse(phone, region)
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _record(table: str, record_id: str, row: Document) -> _Record:
    system = table.partition(".")[0]
    email = normalise(row["email"]) if row["email"] else None
    if system == "hubspot":
        phone = e164(row["phone"] or row["mobilephone"], _REGION[row["country"]])
        external, first, last = row["shopify_customer_id"], row["firstname"], row["lastname"]
    elif system == "shopify":
        phone, external = row["phone"], record_id
        first, last = row["first_name"], row["last_name"]
    else:
        phone, external = row["phone_number"], row["external_id"]
        first, last = row["first_name"], row["last_name"]
    return _Record(system, email, phone, external, normalise(f"{first} {last}"))


def measure(world: World) -> Rates:
    """Measure all rates; a few seconds for 10,000 people."""
    people: dict[str, list[_Record]] = defaultdict(list)
    names: Counter[str] = Counter()
    for table in PEOPLE_TABLES:
        for record_id, row in world.live(table):
            if row["person_id"] is not None:
                people[row["person_id"]].append(_record(table, record_id, row))
                names[normalise(row.get("lastname") or row.get("last_name"))] += 1
    pairs = keyless = both_emails = other_email = both_phones = other_phone = 0
    doubles = doubles_with_key = 0
    for records in people.values():
        for one, other in combinations(records, 2):
            shares_key = bool(one.exact_keys() & other.exact_keys())
            if one.system == other.system:
                doubles += 1
                doubles_with_key += shares_key
                continue
            pairs += 1
            keyless += not shares_key
            if one.email and other.email:
                both_emails += 1
                other_email += one.email != other.email
            if one.phone and other.phone:
                both_phones += 1
                other_phone += one.phone != other.phone
    sharing, indistinct = _sharing(people)
    return Rates(
        cross_system_pairs=pairs,
        keyless_pairs=_share(keyless, pairs),
        changed_email_pairs=_share(other_email, both_emails),
        changed_phone_pairs=_share(other_phone, both_phones),
        people_sharing_identifier=_share(sharing, len(people)),
        duplicate_records=_share(doubles, sum(map(len, people.values()))),
        duplicates_sharing_key=_share(doubles_with_key, doubles),
        most_frequent_last_name=_share(names.most_common(1)[0][1], names.total()) if names else 0.0,
        distinct_last_names=len(names),
        lapsed_buyers=_lapsed(world),
        indistinct_people=indistinct,
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _sharing(people: dict[str, list[_Record]]) -> tuple[int, int]:
    """People who share an e-mail or phone, and those who share all keys and the full name."""
    holders: dict[tuple[str, str], set[str]] = defaultdict(set)
    for person, records in people.items():
        for record in records:
            for key in record.exact_keys():
                holders[key].add(person)
    sharing, indistinct = set(), set()
    for holding in holders.values():
        if len(holding) > 1:
            sharing |= holding
            for one, other in combinations(sorted(holding), 2):
                keys = [set().union(*(r.exact_keys() for r in people[who])) for who in (one, other)]
                named = [{r.full_name for r in people[who]} for who in (one, other)]
                if keys[0] == keys[1] and named[0] & named[1]:
                    indistinct |= {one, other}
    return len(sharing), len(indistinct)


def _lapsed(world: World) -> float:
    latest = {}
    for _, order in world.live("shopify.orders"):
        who = order["customer_id"]
        latest[who] = max(latest.get(who, order["created_at"]), order["created_at"])
    bound = world.now - LAPSED_AFTER
    return _share(sum(moment < bound for moment in latest.values()), len(latest))
