"""PostgreSQL databases of a test's own."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from tests.support.lacking import skip_or_fail

DEFAULT_POSTGRES_URL = "postgresql://root@127.0.0.1:5432/postgres"


@contextmanager
def postgres_database(template: str = "") -> Iterator[str]:
    """The address of a database that is dropped afterwards.

    The server is `ACCORD_TEST_POSTGRES_URL`, by default the local one.

    Args:
        template: address of a database that nobody is connected to, to begin as a copy of.
    """
    server = os.environ.get("ACCORD_TEST_POSTGRES_URL", DEFAULT_POSTGRES_URL)
    name = f"accord_test_{secrets.token_hex(6)}"
    database = sql.Identifier(name)
    copied = sql.Identifier(template.rsplit("/", 1)[1]) if template else sql.SQL("template1")
    try:
        admin = psycopg.connect(server, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError:
        skip_or_fail("No PostgreSQL server answers: set ACCORD_TEST_POSTGRES_URL.")
    with admin:
        admin.execute(sql.SQL("create database {} template {}").format(database, copied))
        try:
            yield f"{server.rsplit('/', 1)[0]}/{name}"
        finally:
            admin.execute(sql.SQL("drop database if exists {} with (force)").format(database))
