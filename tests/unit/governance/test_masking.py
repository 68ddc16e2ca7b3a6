"""Masked views on a real PostgreSQL server, read with the analysts' own role."""

from collections.abc import Mapping
from pathlib import Path

import psycopg
import pytest

from orchestration_assets.errors import FatalError
from orchestration_assets.governance.masking import Masked, apply_masking
from orchestration_assets.warehouse.engine import open_warehouse
from tests.unit.governance.analyst import SALT, run, seen

pytestmark = pytest.mark.postgres
CLASSES = {
    "dim_customers": {
        "customer_id": "identifier",
        "email": "contact",
        "phone_e164": "contact",
        "first_name": "identifier",
        "postal_code": "profile",
        "born_on": "profile",
        "order_count": "behaviour",
    },
    "fct_orders": {
        "order_id": "identifier",
        "customer_id": "identifier",
        "net_amount": "behaviour",
    },
}
TABLES = """
create schema released;
create schema raw_hubspot;
create table raw_hubspot.contacts (email text);
insert into raw_hubspot.contacts values ('ann@example.com');
create table released.dim_customers (
    customer_id text, email text, phone_e164 text, first_name text, postal_code text,
    born_on date, order_count integer, _release_number bigint
);
create table released.fct_orders (order_id text, customer_id text, net_amount numeric(18, 2));
insert into released.dim_customers values
    ('cus_1', 'ann@example.com', '+33612345678', 'Ann', '75011', '1980-05-17', 2, 1),
    ('cus_2', null, null, 'Bob', null, null, 1, 1);
insert into released.fct_orders values
    ('o1', 'cus_1', 10), ('o2', 'cus_1', 20), ('o3', 'cus_2', 5);
"""


@pytest.fixture
def url(postgres_url: str) -> str:
    """A database with two released tables and a raw one."""
    with psycopg.connect(postgres_url) as admin:
        admin.execute(TABLES.encode())
    return postgres_url


def mask(
    url: str, tmp_path: Path, role: str, classes: Mapping = CLASSES, salt: str = SALT
) -> Masked:
    return apply_masking(open_warehouse(url, tmp_path, 30), classes, role, salt)


def test_the_role_sees_masked_values(url: str, tmp_path: Path, role: str):
    masked = mask(url, tmp_path, role)
    assert masked.changed == ("dim_customers", "fct_orders")
    ann, bob = seen(url, role, "select * from analyst.dim_customers order by order_count desc")
    assert ann["email"] == "***@example.com"
    assert len(ann["customer_id"]) == len(ann["phone_e164"]) == 32
    assert "612345678" not in ann["phone_e164"]
    assert (ann["first_name"], ann["postal_code"], str(ann["born_on"])) == (
        None,
        "75",
        "1980-01-01",
    )
    assert ann["order_count"] == 2
    assert (bob["email"], bob["phone_e164"], bob["born_on"]) == (None, None, None)


def test_joins_over_masked_ids_work(url: str, tmp_path: Path, role: str):
    mask(url, tmp_path, role)
    rows = seen(
        url,
        role,
        "select c.order_count, count(*) as orders, sum(o.net_amount) as total"
        " from analyst.dim_customers as c join analyst.fct_orders as o using (customer_id)"
        " group by c.customer_id, c.order_count order by 1",
    )
    assert [(r["order_count"], r["orders"], int(r["total"])) for r in rows] == [
        (1, 1, 5),
        (2, 2, 30),
    ]


@pytest.mark.parametrize(
    "table",
    ["released.dim_customers", "released.fct_orders", "raw_hubspot.contacts", "masking.secrets"],
)
def test_the_role_reads_nothing_below_the_views(url: str, tmp_path: Path, role: str, table: str):
    mask(url, tmp_path, role)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        seen(url, role, f"select * from {table}")


def test_the_role_can_neither_write_nor_log_in(url: str, tmp_path: Path, role: str):
    mask(url, tmp_path, role)
    for statement in (
        "update analyst.dim_customers set order_count = 9",
        "create table analyst.mine (id text)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            seen(url, role, statement)
    (found,) = seen(
        url, role, "select rolcanlogin, rolsuper from pg_roles where rolname = current_user"
    )
    assert found == {"rolcanlogin": False, "rolsuper": False}


def test_the_salt_is_not_in_what_the_role_can_read_of_a_view(url: str, tmp_path: Path, role: str):
    mask(url, tmp_path, role)
    rows = seen(url, role, "select definition from pg_views where schemaname = 'analyst'")
    assert len(rows) == 2
    assert all(SALT not in row["definition"] for row in rows)


def test_a_function_of_the_role_s_own_sees_no_hidden_value(url: str, tmp_path: Path, role: str):
    mask(url, tmp_path, role)
    (found,) = seen(
        url,
        role,
        "select reloptions from pg_class where oid = 'analyst.dim_customers'::regclass",
    )
    assert "security_barrier=true" in found["reloptions"]


def test_a_column_without_a_class_is_left_out(url: str, tmp_path: Path, role: str):
    run(url, "alter table released.dim_customers add column passport text default 'X123'")
    masked = mask(url, tmp_path, role)
    assert masked.left_out["dim_customers"] == ["_release_number", "passport"]
    assert "passport" not in seen(url, role, "select * from analyst.dim_customers")[0]
    unclassified = {**CLASSES["dim_customers"], "passport": None, "email": None}
    masked = mask(url, tmp_path, role, {**CLASSES, "dim_customers": unclassified})
    assert masked.changed == ("dim_customers",)
    row = seen(url, role, "select * from analyst.dim_customers")[0]
    assert not {"passport", "email"} & set(row)


def test_applying_it_again_changes_nothing(url: str, tmp_path: Path, role: str):
    mask(url, tmp_path, role)
    with psycopg.connect(url) as admin:
        ids = "select oid, relname from pg_class where relnamespace = 'analyst'::regnamespace order by 1"
        before = admin.execute(ids).fetchall()
        admin.commit()
        assert mask(url, tmp_path, role).changed == ()
        assert admin.execute(ids).fetchall() == before


def test_a_new_table_is_covered_and_one_that_is_gone_is_dropped(
    url: str, tmp_path: Path, role: str
):
    mask(url, tmp_path, role)
    run(
        url,
        "create table released.dim_products (product_id text); drop table released.fct_orders cascade",
    )
    masked = mask(url, tmp_path, role, {**CLASSES, "dim_products": {"product_id": "none"}})
    assert masked.changed == ("dim_products",)
    assert seen(url, role, "select * from analyst.dim_products") == []
    with pytest.raises(psycopg.errors.UndefinedTable):
        seen(url, role, "select * from analyst.fct_orders")
    fewer = {"dim_customers": CLASSES["dim_customers"]}
    assert mask(url, tmp_path, role, fewer).changed == ("dim_products",)


def test_another_salt_gives_other_hashes_and_joins_still_work(url: str, tmp_path: Path, role: str):
    query = "select c.customer_id from analyst.dim_customers as c join analyst.fct_orders using (customer_id)"
    mask(url, tmp_path, role)
    before = {row["customer_id"] for row in seen(url, role, query)}
    mask(url, tmp_path, role, salt="another long text that nobody guesses")
    after = {row["customer_id"] for row in seen(url, role, query)}
    assert len(before) == len(after) == 2
    assert not before & after


def test_rights_that_the_role_was_given_are_taken_away(url: str, tmp_path: Path, role: str):
    mask(url, tmp_path, role)
    run(
        url,
        f"grant usage on schema released to {role};"
        f" grant select on all tables in schema released to {role}",
    )
    assert seen(url, role, "select count(*) as n from released.dim_customers") == [{"n": 2}]
    mask(url, tmp_path, role)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        seen(url, role, "select * from released.dim_customers")


def test_rights_that_everybody_has_are_refused_with_what_to_do(url: str, tmp_path: Path, role: str):
    run(url, "grant select on raw_hubspot.contacts to public")
    with pytest.raises(FatalError, match=r"can read raw_hubspot\.contacts.*PUBLIC"):
        mask(url, tmp_path, role)
    with pytest.raises((psycopg.errors.InvalidParameterValue, psycopg.errors.UndefinedObject)):
        seen(url, role, "select 1")


def test_the_user_of_the_warehouse_is_no_analyst(url: str, tmp_path: Path):
    with psycopg.connect(url) as admin:
        (me,) = admin.execute("select current_user").fetchone() or ("",)
    with pytest.raises(FatalError, match="owns every table"):
        mask(url, tmp_path, me)


def test_a_short_salt_is_refused(url: str, tmp_path: Path, role: str):
    with pytest.raises(FatalError, match="ACCORD_MASKING_SALT has fewer than 16"):
        mask(url, tmp_path, role, salt="short")
