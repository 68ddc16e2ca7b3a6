"""Masked views on a real PostgreSQL server, read with the analysts' own role."""

import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row
from pydantic import SecretStr
from typer.testing import CliRunner

from orchestration_assets.cli import app
from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import FatalError
from orchestration_assets.governance.masking import Masked, apply_masking
from orchestration_assets.settings import Settings
from orchestration_assets.stages.gate import publish
from orchestration_assets.stages.masking import INCIDENT, classes_of
from orchestration_assets.state.alerts import open_alerts
from orchestration_assets.state.verdicts import Verdict, record_verdicts
from orchestration_assets.transform.project import ensure_manifest, load_nodes
from orchestration_assets.warehouse.engine import open_warehouse
from orchestration_assets.warehouse.released_tables import RELEASED_TABLES
from orchestration_assets.warehouse.scope import create_scope_tables
from quality.catalog import CORE_SUITES
from tests.support.candidate import finish_candidate

pytestmark = pytest.mark.postgres
SALT = "a long text that nobody guesses"
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
def role(postgres_url: str) -> Iterator[str]:
    """A role of the test's own: roles belong to the whole server."""
    name = f"accord_test_{secrets.token_hex(6)}"
    yield name
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        if admin.execute("select 1 from pg_roles where rolname = %s", (name,)).fetchone():
            admin.execute(sql.SQL("drop owned by {}").format(sql.Identifier(name)))
            admin.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


@pytest.fixture
def url(postgres_url: str) -> str:
    """A database with two released tables and a raw one."""
    with psycopg.connect(postgres_url) as admin:
        admin.execute(TABLES.encode())
    return postgres_url


def run(url: str, statement: str) -> None:
    with psycopg.connect(url) as admin:
        admin.execute(statement.encode())


def mask(
    url: str, tmp_path: Path, role: str, classes: Mapping = CLASSES, salt: str = SALT
) -> Masked:
    return apply_masking(open_warehouse(url, tmp_path, 30), classes, role, salt)


def seen(url: str, role: str, query: str) -> list[dict]:
    """Rows as the role reads them."""
    with psycopg.connect(url, row_factory=dict_row) as analyst:
        analyst.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
        return analyst.execute(query.encode()).fetchall()


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


# Releases of the whole model, shaped as the models declare it.


@pytest.fixture
def deployment(postgres_url: str, tmp_path: Path, role: str) -> Deployment:
    """A deployment whose core holds one customer and nothing else."""
    made = Deployment(
        Settings(
            home=tmp_path,
            warehouse_url=postgres_url,
            analyst_role=role,
            masking_salt=SecretStr(SALT),
        )
    )
    with made.warehouse.writer("prepare") as session:
        create_scope_tables(session)
        session.execute("insert into scope.state (candidate_id) values ('candidate-1')")
        session.create_schema("core")
        for node in load_nodes(ensure_manifest("postgres")):
            if node.schema == "core" and node.name in RELEASED_TABLES:
                columns = ", ".join(f"{c.name} {c.data_type}" for c in node.columns)
                session.execute(f"create table core.{node.name} ({columns})")
        session.execute(
            "insert into core.dim_customers (customer_id, email, first_name)"
            " values ('cus_1', 'ann@example.com', 'Ann')"
        )
    return made


def release(deployment: Deployment, version: str, *statements: str) -> None:
    """Build a version, let every suite pass it, and publish it."""
    warehouse = deployment.warehouse
    with warehouse.writer("build") as session:
        for statement in statements:
            session.execute(statement)
        session.execute("delete from scope.model_version")
        session.execute(
            "insert into scope.model_version (version, built_at) values (:version, now())",
            {"version": version},
        )
        finish_candidate(session, version)
    with warehouse.reader() as session:
        verdicts = [
            Verdict(
                suite.name,
                version,
                "",
                passed=True,
                evaluated=suite.expected,
                expected=suite.expected,
                rows=session.count(*suite.table.split(".")),
                table=suite.table,
            )
            for suite in CORE_SUITES
        ]
    record_verdicts(deployment.state, verdicts)
    publish(deployment)


def test_a_release_makes_the_views_and_brings_back_those_it_dropped(deployment: Deployment):
    url, role = deployment.settings.warehouse_url, deployment.settings.analyst_role
    release(deployment, "v1")
    (row,) = seen(url, role, "select * from analyst.dim_customers")
    assert (row["email"], row["first_name"]) == ("***@example.com", None)
    assert set(row) == set(classes_of("postgres")["dim_customers"])
    # A type that changes lets the release drop the table, and the view with it.
    release(deployment, "v2", "alter table core.dim_customers alter column order_count type bigint")
    (row,) = seen(url, role, "select * from analyst.dim_customers")
    assert row["email"] == "***@example.com"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        seen(url, role, "select * from released.dim_customers")


def test_a_release_stands_when_masking_fails_and_people_are_told(deployment: Deployment):
    url = deployment.settings.warehouse_url
    release(deployment, "v1")
    run(url, "grant select on core.dim_customers to public")
    release(deployment, "v2", "update core.dim_customers set first_name = 'Anna'")
    with deployment.warehouse.reader() as session:
        assert session.scalar("select first_name from released.dim_customers") == "Anna"
    assert len(open_alerts(deployment.state, INCIDENT)) == 1
    run(url, "revoke select on core.dim_customers from public")
    release(deployment, "v3", "update core.dim_customers set first_name = 'Ann'")
    assert open_alerts(deployment.state, INCIDENT) == []


def test_without_a_salt_a_release_leaves_masking_alone(deployment: Deployment):
    deployment.settings = deployment.settings.model_copy(
        update={"masking_salt": Settings().masking_salt}
    )
    release(deployment, "v1")
    with deployment.warehouse.reader() as session:
        assert not session.scalar("select count(*) from pg_namespace where nspname = 'analyst'")


def test_the_command_prints_how_each_column_is_shown(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    release(deployment, "v1")
    monkeypatch.setenv("ACCORD_WAREHOUSE_URL", deployment.settings.warehouse_url)
    monkeypatch.setenv("ACCORD_ANALYST_ROLE", deployment.settings.analyst_role)
    monkeypatch.setenv("ACCORD_MASKING_SALT", SALT)
    result = CliRunner().invoke(app, ["governance", "mask"])
    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "email domain of an e-mail address, salted hash of anything else" in lines
    assert "_release_number left out: it has no personal-data class" in lines
    assert SALT not in result.stdout
