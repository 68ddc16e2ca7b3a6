"""Databases and servers that a benchmark starts, and ends when it is done."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ACCORD = "from orchestration_assets.cli import main; main()"
_SERVER = "postgresql://root@127.0.0.1:5432/postgres"


@contextmanager
def database(engine: str, folder: Path) -> Iterator[str]:
    """The address of an empty database, gone afterwards; `engine` is `sqlite` or `postgres`."""
    name = f"accord_bench_{secrets.token_hex(6)}"
    if engine == "sqlite":
        yield f"sqlite:///{folder / name}.db"
        return
    import psycopg
    from psycopg import sql

    server = os.environ.get("ACCORD_TEST_POSTGRES_URL", _SERVER)
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            yield f"{server.rsplit('/', 1)[0]}/{name}"
        finally:
            drop = sql.SQL("drop database if exists {} with (force)")
            admin.execute(drop.format(sql.Identifier(name)))


@contextmanager
def process(*arguments: str, **environment: str) -> Iterator[str]:
    """A Python process of its own; yields the first line that it prints."""
    started = subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        assert started.stdout is not None
        yield started.stdout.readline().strip()
    finally:
        started.terminate()
        started.wait()


def port_of(line: str) -> int:
    """The port that a server names at the end of a line."""
    return int(line.removesuffix("/docs").rsplit(":", 1)[-1])
