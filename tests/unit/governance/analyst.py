"""What tests of masking say to a real PostgreSQL server: as its owner, and as an analyst."""

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

SALT = "a long text that nobody guesses"


def run(url: str, statement: str) -> None:
    """Run a statement as the owner."""
    with psycopg.connect(url) as admin:
        admin.execute(statement.encode())


def seen(url: str, role: str, query: str) -> list[dict]:
    """Rows as the role reads them."""
    with psycopg.connect(url, row_factory=dict_row) as analyst:
        analyst.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
        return analyst.execute(query.encode()).fetchall()
