"""Match keys: what two records can have in common that makes it worth comparing them.

Exact keys (an identifier, an address, a number) can link on their own. Blocking keys only say which
records are alike enough to be scored. Keys are stored as 63-bit hashes, so that the table of keys
holds no address and no number in clear, and looks up fast.
"""

import hashlib

import duckdb
import pyarrow as pa

EXACT_KINDS = {"external_id": 1, "email": 2, "phone": 3}
"""Kinds of exact keys with their number, in order of their strength."""

ROLE_KIND = 4
"""An address that stands for a function (info@): kept, so that it can be reported, but no key."""

BLOCKING_KINDS = {
    "last_name_and_city": 11,
    "first_name_and_city": 12,
    "street_and_city": 13,
    "full_name": 14,
    "birth_date_and_first_name": 15,
    "birth_date_and_last_name": 16,
    "birth_date_and_postal_code": 17,
    "first_name_and_postal_code": 18,
    "last_name_and_postal_code": 19,
    "street_and_postal_code": 20,
    "house_and_first_initial": 21,
    "house_and_last_initial": 22,
    "birth_date_and_city": 23,
    "birth_date_and_street": 24,
}
"""Kinds of blocking keys with their number."""

FIRST_BLOCKING_KIND = 10

MOST_RECORDS_OF_A_KEY = 20
"""An exact key on more records than this is a switchboard or a default value, not a person."""

MOST_RECORDS_OF_A_BLOCK = 30
"""A blocking key on more records than this says too little; its records meet on a rarer key.

It also bounds the work: a record is scored against at most so many others for each of its keys.
"""

MOST_RECORDS_OF_A_BROAD_BLOCK = 6
"""The same for keys of little detail: they find a rare name or street that was written wrong."""

BROAD_KINDS = (18, 19, 20, 21, 22)

LIMIT_OF_KIND = (
    f"case when kind = {ROLE_KIND} then 0"
    f" when kind < {FIRST_BLOCKING_KIND} then {MOST_RECORDS_OF_A_KEY}"
    f" when kind in {BROAD_KINDS} then {MOST_RECORDS_OF_A_BROAD_BLOCK}"
    f" else {MOST_RECORDS_OF_A_BLOCK} end"
)
"""SQL: on how many records a key of a kind may stand and still bring them together."""

ROLES = (
    "abuse accounting accounts accueil achats admin administration bestellung billing booking"
    " buchhaltung buero bureau commercial compta comptabilite contact customerservice direction"
    " einkauf empfang enquiries facturation finance hello hi hr info information jobs kontakt"
    " mail marketing no-reply noreply office orders postmaster press presse rechnung reception"
    " sales secretariat service shop support team vente ventes verkauf webmaster welcome"
).split()
"""First parts of addresses that stand for a function, in the languages of our systems."""

# The shift makes a number fit a signed column. The engine's own hash costs a tenth of an MD5; kind
# and value go into it as one text, because hashes of several values are combined weakly.
_KEY_HASH = "cast(hash(kind || ':' || value) >> 1 as bigint)"
_KEYS = f"""
with named as (
    select record_key, 1 as kind, shop_id as value from people
    union all
    select
        record_key,
        case
            when list_contains($roles, split_part(split_part(email, '@', 1), '+', 1))
                then {ROLE_KIND}
            else 2
        end,
        email
    from people
    union all
    select record_key, 3, phone from people
    union all
    select record_key, 3, other_phone from people where other_phone is distinct from phone
    union all
    select record_key, 11, last || '|' || left(first, 1) || '|' || city from people
    union all
    select record_key, 12, first || '|' || left(last, 3) || '|' || city from people
    union all
    select record_key, 13, street || '|' || coalesce(house, '') || '|' || city from people
    union all
    select record_key, 14, least(first, last) || '|' || greatest(first, last) from people
    union all
    select record_key, 15, birth_date || '|' || left(first, 2) from people
    union all
    select record_key, 16, birth_date || '|' || left(last, 2) from people
    union all
    select record_key, 17, birth_date || '|' || postal from people
    union all
    select record_key, 18, first || '|' || postal from people
    union all
    select record_key, 19, last || '|' || postal from people
    union all
    select record_key, 20, left(street, 6) || '|' || postal from people
    union all
    select record_key, 21, coalesce(house, '') || '|' || street || '|' || left(first, 1) from people
    union all
    select record_key, 22, coalesce(house, '') || '|' || postal || '|' || left(last, 1) from people
    union all
    select record_key, 23, birth_date || '|' || city from people
    union all
    select record_key, 24, birth_date || '|' || street from people
)
select
    record_key,
    cast(kind as integer) as kind,
    {_KEY_HASH} as key_hash
from named where value is not null
"""


def open_memory() -> duckdb.DuckDBPyConnection:
    """An embedded engine that reaches no file and no network, whatever the warehouse is."""
    connection = duckdb.connect(":memory:", config={"enable_external_access": "false"})
    connection.execute("set TimeZone = 'UTC'")
    # Order is asked for where it counts; keeping it everywhere costs memory.
    connection.execute("set preserve_insertion_order = false")
    # A terminal would see it drawn across what the command prints.
    connection.execute("set enable_progress_bar = false")
    return connection


def hash_version() -> str:
    """Changes when the engine hashes otherwise than before: stored keys then match no new ones."""
    with open_memory() as memory:
        return str(memory.execute("select hash('accord')").fetchall()[0][0])


def match_keys(people: pa.Table) -> pa.Table:
    """Return the keys of normalised people.

    Returns:
        record_key, kind (a number of `EXACT_KINDS`, `ROLE_KIND` or one of `BLOCKING_KINDS`),
        key_hash; one row for each record and key.
    """
    with open_memory() as memory:
        memory.register("people", people)
        return memory.sql(_KEYS, params={"roles": ROLES}).to_arrow_table()


def record_key(system: str, record_id: str) -> int:
    """The number by which identity tables name a record."""
    digest = hashlib.md5(f"{system}|{record_id}".encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little") >> 1


def record_keys(system: pa.ChunkedArray, record_id: pa.ChunkedArray) -> pa.ChunkedArray:
    """`record_key` for many records at once, in their order."""
    with open_memory() as memory:
        memory.execute("set preserve_insertion_order = true")
        memory.register("records", pa.table({"system": system, "record_id": record_id}))
        found = memory.sql(f"select {_RECORD_KEY} as record_key from records").to_arrow_table()
    return found["record_key"]


# Stewards' decisions name records by it for ever, hence a hash that no engine changes.
_RECORD_KEY = "cast(md5_number_lower(system || '|' || record_id) >> 1 as bigint)"
