"""A release of the whole model, shaped as the models declare it, brings its masked views along."""

from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from orchestration_assets.cli import app
from orchestration_assets.deployment import Deployment
from orchestration_assets.settings import Settings
from orchestration_assets.stages.gate import publish
from orchestration_assets.stages.masking import INCIDENT, classes_of
from orchestration_assets.state.alerts import open_alerts
from orchestration_assets.state.verdicts import Verdict, record_verdicts
from orchestration_assets.transform.project import ensure_manifest, load_nodes
from orchestration_assets.warehouse.released_tables import RELEASED_TABLES
from orchestration_assets.warehouse.scope import create_scope_tables
from quality.catalog import CORE_SUITES
from tests.support.candidate import finish_candidate
from tests.unit.governance.analyst import SALT, run, seen

pytestmark = pytest.mark.postgres


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
