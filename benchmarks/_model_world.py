"""A million customers and all about them, written straight into the raw tables of a warehouse.

Set-based SQL from fixed numbers: no vendor is asked and no record is made one by one. What identity
would find is known, so it is written too. Everything else is done as the product does it: its own
tables, its loads, its scope.
"""

from pathlib import Path

import duckdb

from benchmarks import _records_hubspot, _records_klaviyo, _records_shopify
from benchmarks._recipe import Recipe
from orchestration_assets.connectors.catalog import SYSTEMS
from orchestration_assets.identity.tables import create_tables
from orchestration_assets.landing.raw_tables import ensure_raw_tables
from orchestration_assets.warehouse.engine import Warehouse
from orchestration_assets.warehouse.scope import consume, open_scope

RECIPES = {**_records_hubspot.RECIPES, **_records_shopify.RECIPES, **_records_klaviyo.RECIPES}
CHANGED_ONE_IN = 100
ORDERS_EACH = round(RECIPES["shopify.orders"].share)
_IS_CHANGED = f"c % {CHANGED_ONE_IN} = 5"
_PEOPLE = ("hubspot.contacts", "shopify.customers", "klaviyo.profiles")
_LOADED_AT = {1: "2026-02-01 06:00:00+00", 2: "2026-02-02 06:00:00+00"}
_FIRST_LOAD, _CHANGE_LOAD = _LOADED_AT
_RAW = """
insert into raw_{system}.{name} by name
with numbered as (select range as i from range({count})),
of_customers as (select i, {customer} as c from numbered),
versions as (
    select i, c, v, {products} as products
    from of_customers cross join (values {versions}) as versions (v)
    where {having}
)
select
    {record_id} as _record_id,
    {source_at} as _source_at,
    timestamptz '{loaded_at}' as _loaded_at,
    i % 200 = 3 and v = 1 as _is_deleted,
    md5(i || '/' || v) as _row_hash,
    '{{"id": "' || i || '", "version": ' || v || '}}' as _raw,
    '{load_id}' as _dlt_load_id,
    {columns}
from versions
"""
_NOTE_LOAD = """
insert into landing.loads by name
select
    '{load_id}' as load_id, '{system}' as system, '{name}' as stream, count(*) as rows,
    max(_source_at) as watermark, timestamptz '{loaded_at}' as loaded_at,
    '{system}.{name}:{load_id}' as reading_id
from raw_{system}.{name} where _dlt_load_id = '{load_id}' having count(*) > 0;
insert into landing.readings by name
select
    reading_id, system, stream, loaded_at as started_at, loaded_at as ended_at, 'passed' as status
from landing.loads where reading_id = '{system}.{name}:{load_id}'
"""
_IDENTITIES = """
insert into identity.customer_records by name
select
    'cus_' || left(sha256('shopify|' || c), 16) as customer_id,
    '{system}' as system,
    {record_id} as record_id,
    {email} as email,
    {phone} as phone_e164,
    timestamptz '{loaded_at}' as first_loaded_at,
    'email' as linked_by
from (select range as i, range as c from range({count})) as people where {having}
"""
_TOUCHED = """
insert into scope.customers
select distinct found.customer_id
from identity.customer_records as found
inner join (
    select system, record_id from scope.records
    where stream in ('contacts', 'customers', 'profiles')
    union all
    select 'shopify' as system, orders.customer_id as record_id from raw_shopify.orders as orders
    inner join scope.records as scoped
        on scoped.system = 'shopify' and scoped.stream = 'orders'
            and scoped.record_id = orders._record_id
    union all
    select 'klaviyo' as system, events.profile_id as record_id from raw_klaviyo.events as events
    inner join scope.records as scoped
        on scoped.system = 'klaviyo' and scoped.stream = 'events'
            and scoped.record_id = events._record_id
) as touched on found.system = touched.system and found.record_id = touched.record_id
anti join scope.customers as known on found.customer_id = known.customer_id
"""


def make_tables(warehouse: Warehouse, home: Path) -> None:
    """Create the raw tables of every stream and the tables of the identity step, empty."""
    streams = [stream for system in SYSTEMS.values() for stream in system.streams.values()]
    ensure_raw_tables(streams, warehouse, home)
    with warehouse.writer("make identity tables") as session:
        create_tables(session)


def land_everything(path: Path, customers: int, *, link: bool = True) -> None:
    """Write the first load of every stream and, where asked for, who is who."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for key, recipe in RECIPES.items():
            _land(connection, key, recipe, customers, _FIRST_LOAD)
        for key in _PEOPLE if link else ():
            _link(connection, key, RECIPES[key], customers)


def land_change(path: Path, customers: int) -> None:
    """Write a load with a newer version of one customer in a hundred and of all about them."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for key, recipe in RECIPES.items():
            if recipe.changes:
                _land(connection, key, recipe, customers, _CHANGE_LOAD)


def open_candidate(warehouse: Warehouse, path: Path) -> dict[str, int]:
    """Open the scope, add the touched customers as the identity step does; return its sizes."""
    scope = open_scope(warehouse)
    with warehouse.exclusive("touch customers"), duckdb.connect(str(path)) as connection:
        connection.execute(_TOUCHED)
        found = connection.execute("select count(*) from scope.customers").fetchone()
    assert found is not None
    return {**scope.records, "customers": int(found[0])}


def take_in(warehouse: Warehouse) -> None:
    """Consume the scope, as a release does."""
    with warehouse.writer("consume scope") as session:
        consume(session, 1)


def _count(recipe: Recipe, customers: int) -> int:
    return max(1, round(customers * recipe.share))


def _land(
    connection: duckdb.DuckDBPyConnection, key: str, recipe: Recipe, customers: int, load: int
) -> None:
    system, _, name = key.partition(".")
    having = f"({recipe.having})"
    if load == _FIRST_LOAD:
        versions = "(0), (1)"
        having += f" and (v = 1 or i % {recipe.versioned} = 3 % {recipe.versioned})"
    else:
        versions = "(2)"
        having += f" and {_IS_CHANGED}"
    values = {
        "system": system,
        "name": name,
        "load_id": f"170000000{load}.5",
        "loaded_at": _LOADED_AT[load],
    }
    columns = ",\n    ".join(f"{sql} as {column}" for column, sql in recipe.columns.items())
    connection.execute(
        _RAW.format(
            **values,
            count=_count(recipe, customers),
            products=_count(RECIPES["shopify.products"], customers),
            customer=recipe.customer.format(n=customers),
            versions=versions,
            having=having,
            record_id=recipe.record_id,
            source_at=recipe.source_at,
            columns=columns,
        )
    )
    connection.execute(_NOTE_LOAD.format(**values))


def _link(connection: duckdb.DuckDBPyConnection, key: str, recipe: Recipe, customers: int) -> None:
    system = key.partition(".")[0]
    phone = next(
        recipe.columns[name] for name in ("phone", "phone_number") if name in recipe.columns
    )
    connection.execute(
        _IDENTITIES.format(
            system=system,
            record_id=recipe.record_id,
            email=recipe.columns["email"],
            phone=phone,
            loaded_at=_LOADED_AT[_FIRST_LOAD],
            count=customers,
            having=recipe.having,
        )
    )
