"""Match keys: what two records can have in common that says they are the same person.

Keys are stored as hashes, so that the table of keys holds no address and no number in clear.
"""

import duckdb
import pyarrow as pa

MOST_RECORDS_OF_A_KEY = 20
"""A key on more records than this is a switchboard or a default value, not a person."""

ROLES = (
    "abuse accounting accounts accueil achats admin administration bestellung billing booking"
    " buchhaltung buero bureau commercial compta comptabilite contact customerservice direction"
    " einkauf empfang enquiries facturation finance hello hi hr info information jobs kontakt"
    " mail marketing no-reply noreply office orders postmaster press presse rechnung reception"
    " sales secretariat service shop support team vente ventes verkauf webmaster welcome"
).split()
"""First parts of addresses that stand for a function, in the languages of our systems."""

_KEYS = """
with named as (
    select position, 'external_id' as kind, shop_id as value, false as is_role from people
    where shop_id is not null
    union all
    select
        position, 'email' as kind, email as value,
        list_contains($roles, split_part(split_part(email, '@', 1), '+', 1)) as is_role
    from people where email is not null
    union all
    select position, 'phone', phone, false from people where phone is not null
    union all
    select position, 'phone', other_phone, false from people where other_phone is not null
)
select distinct
    people.system, people.record_id, named.position, named.kind,
    left(sha256(named.kind || ':' || named.value), 32) as key_hash, named.is_role
from named join people using (position)
order by position, kind, key_hash
"""


def open_memory() -> duckdb.DuckDBPyConnection:
    """An embedded engine that reaches no file and no network, whatever the warehouse is."""
    connection = duckdb.connect(":memory:", config={"enable_external_access": "false"})
    connection.execute("set TimeZone = 'UTC'")
    return connection


def match_keys(people: pa.Table) -> pa.Table:
    """Return the keys of normalised people.

    Returns:
        system, record_id, position, kind (`external_id`, `email`, `phone`), key_hash, is_role; one
        row for each record and key.
    """
    with open_memory() as memory:
        memory.register("people", people)
        return memory.sql(_KEYS, params={"roles": ROLES}).to_arrow_table()
