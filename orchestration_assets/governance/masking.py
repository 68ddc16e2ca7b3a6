"""What analysts may read on PostgreSQL: one masked view a released table, and a role for them.

Views in the schema `analyst` run with their owner's rights, so that the role needs none on what is
below them. They are made anew only where their text changed or a release dropped them.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestration_assets.errors import FatalError
from orchestration_assets.governance.masking_rules import (
    SALT,
    Classes,
    rule_for,
    with_keys_alike,
)
from orchestration_assets.warehouse.engine import Warehouse
from orchestration_assets.warehouse.session import Session
from orchestration_assets.warehouse.sql import identifier, qualified

SCHEMA = "analyst"
SHORTEST_SALT = 16
_SECRETS = "masking"
_RELEASED = "released"
_NO_TENANT = "('public', 'information_schema', 'analyst')"


@dataclass(frozen=True, slots=True)
class Masked:
    """What the role sees.

    Attributes:
        role: its name.
        columns: by table and column, how the column is shown, in words.
        left_out: columns of each table that have no class and are therefore not shown.
        changed: views that were made, made anew or dropped this time.
    """

    role: str
    columns: Mapping[str, Mapping[str, str]]
    left_out: Mapping[str, Sequence[str]]
    changed: tuple[str, ...]


def apply_masking(warehouse: Warehouse, classes: Classes, role: str, salt: str) -> Masked:
    """Bring role, views and rights to what the classes say; nothing is done where all is so.

    Args:
        warehouse: a PostgreSQL warehouse.
        classes: personal-data class of each column, by released table.
        role: name of the analysts' role; made without login when missing.
        salt: secret text that goes into every hash; with another one, hashes change.

    Raises:
        FatalError: the engine knows no roles, the salt is too short, the role is one of ours or may
            read more than the views, or the user may not create it.
    """
    if warehouse.dialect != "postgres":
        raise FatalError(
            "DuckDB knows no roles: whoever can open its file can read every column.",
            "keep the file to those who may, and give analysts a PostgreSQL warehouse"
            " (ACCORD_WAREHOUSE_URL), where this command makes masked views for them.",
        )
    if len(salt) < SHORTEST_SALT:
        raise FatalError(
            f"ACCORD_MASKING_SALT has fewer than {SHORTEST_SALT} characters, so hashes could be"
            " guessed.",
            "set it to a long random text and keep it: with another one all hashes change.",
        )
    with warehouse.writer("mask") as session:
        _ensure_role(session, role)
        _keep_salt(session, salt)
        wanted, columns, left_out = _views(session, with_keys_alike(classes))
        changed = _make_views(session, wanted)
        session.execute(f"grant usage on schema {SCHEMA} to {identifier(role)}")
        session.execute(f"grant select on all tables in schema {SCHEMA} to {identifier(role)}")
        _hold_to_views(session, role)
    return Masked(role, columns, left_out, tuple(changed))


def _ensure_role(session: Session, role: str) -> None:
    mine = session.rows(
        "select rolname, rolsuper or rolcreaterole as may_create from pg_roles"
        " where rolname = current_user"
    )[0]
    if mine["rolname"] == role:
        raise FatalError(
            f"{role!r} is the user that Accord itself connects with, and owns every table.",
            "set ACCORD_ANALYST_ROLE to a role of its own.",
        )
    found = session.rows("select 1 from pg_roles where rolname = :role", {"role": role})
    if found:
        return
    if not mine["may_create"]:
        raise FatalError(
            f"There is no role {role!r}, and the user of ACCORD_WAREHOUSE_URL may not create it.",
            f"let an administrator run: create role {role} nologin.",
        )
    # Roles belong to the whole server: another database's masking may make it at the same time.
    session.execute(
        f"do $$ begin create role {identifier(role)} nologin;"
        " exception when duplicate_object or unique_violation then null; end $$"
    )


def _keep_salt(session: Session, salt: str) -> None:
    """Keep the salt where views find it and only their owner may read it."""
    session.create_schema(_SECRETS)
    session.execute(f"create table if not exists {_SECRETS}.secrets (salt text not null)")
    if session.scalar(f"select salt from {_SECRETS}.secrets") != salt:
        session.execute(f"delete from {_SECRETS}.secrets")
        session.execute(f"insert into {_SECRETS}.secrets values (:salt)", {"salt": salt})


def _views(
    session: Session, classes: Classes
) -> tuple[dict[str, str], dict[str, dict[str, str]], dict[str, list[str]]]:
    """The text of each view, how it shows its columns, and the columns that it leaves out."""
    types: dict[str, dict[str, str]] = {}
    for row in session.rows(
        "select c.relname, a.attname, format_type(a.atttypid, a.atttypmod) as kind"
        " from pg_class as c join pg_namespace as n on n.oid = c.relnamespace"
        " join pg_attribute as a on a.attrelid = c.oid"
        " where n.nspname = :schema and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped"
        " order by c.relname, a.attnum",
        {"schema": _RELEASED},
    ):
        types.setdefault(row["relname"], {})[row["attname"]] = row["kind"]
    wanted: dict[str, str] = {}
    shown: dict[str, dict[str, str]] = {}
    left_out: dict[str, list[str]] = {}
    for table, declared in classes.items():
        parts = []
        for name, kind in types.get(table, {}).items():
            rule = rule_for(name, kind, declared.get(name))
            if rule is None:
                left_out.setdefault(table, []).append(name)
                continue
            sql = rule.sql.format(column=identifier(name), type=kind, salt=SALT)
            parts.append(f"{sql} as {identifier(name)}")
            shown.setdefault(table, {})[name] = rule.words
        if parts:
            wanted[table] = f"select {', '.join(parts)} from {qualified(_RELEASED, table)}"
    return wanted, shown, left_out


def _make_views(session: Session, wanted: Mapping[str, str]) -> list[str]:
    """Make the views whose text is not the one they were made from; drop those left over."""
    session.create_schema(SCHEMA)
    present = {
        row["relname"]: row["made_from"]
        for row in session.rows(
            "select c.relname, obj_description(c.oid, 'pg_class') as made_from from pg_class as c"
            " join pg_namespace as n on n.oid = c.relnamespace"
            " where n.nspname = :schema and c.relkind = 'v'",
            {"schema": SCHEMA},
        )
    }
    marks = {name: hashlib.sha256(sql.encode()).hexdigest() for name, sql in wanted.items()}
    changed = sorted(name for name in {*present, *marks} if present.get(name) != marks.get(name))
    for name in changed:
        view = qualified(SCHEMA, name)
        session.execute(f"drop view if exists {view} cascade")
        if name in wanted:
            session.execute(f"create view {view} with (security_barrier) as {wanted[name]}")
            session.execute(f"comment on view {view} is '{marks[name]}'")
    return changed


def _hold_to_views(session: Session, role: str) -> None:
    """Take rights from the role that it has beyond its views.

    Raises:
        FatalError: it has them through PUBLIC or through another role; names what it can read.
    """
    for schema in sorted({table.partition(".")[0] for table in _readable(session, role)}):
        name, of_role = identifier(schema), identifier(role)
        session.execute(f"revoke all on all tables in schema {name} from {of_role}")
        session.execute(f"revoke all on schema {name} from {of_role}")
    left = _readable(session, role)
    if left:
        raise FatalError(
            f"The role {role!r} can read {', '.join(left[:5])} and {len(left)} tables in all"
            " through PUBLIC, through a role that it is in, or as a superuser.",
            "take that right away, or set ACCORD_ANALYST_ROLE to a role without it.",
        )


def _readable(session: Session, role: str) -> list[str]:
    """Tables outside the views' schema that the role has any right on."""
    rows = session.rows(
        "select n.nspname || '.' || c.relname as name from pg_class as c"
        " join pg_namespace as n on n.oid = c.relnamespace"
        " where c.relkind in ('r', 'v', 'm', 'p', 'f') and left(n.nspname, 3) <> 'pg_'"
        f" and n.nspname not in {_NO_TENANT} and ("
        " has_any_column_privilege(:role, c.oid, 'select, insert, update, references')"
        " or has_table_privilege(:role, c.oid, 'delete, truncate, trigger')) order by 1",
        {"role": role},
    )
    return [row["name"] for row in rows]
