"""The connection profile that dbt is given, made from the warehouse's address."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import yaml

from orchestration_assets.errors import FatalError

POSTGRES_THREADS = 4
# DuckDB spreads each statement over all cores; models side by side only add up their memory.
DUCKDB_THREADS = 1


def database_name(url: str) -> str:
    """Name of the database behind the address, as dbt writes it in front of every schema."""
    if url.startswith("duckdb:///"):
        return Path(url.removeprefix("duckdb:///")).stem
    return urlsplit(url).path.lstrip("/")


def engine_of(url: str) -> str:
    """`duckdb` or `postgres`.

    Raises:
        FatalError: the address names no engine known here.
    """
    if url.startswith("duckdb:///"):
        return "duckdb"
    if url.startswith(("postgresql://", "postgres://")):
        return "postgres"
    raise FatalError(
        f"dbt has no target for addresses that start with {url.split(':', 1)[0]!r}.",
        "set ACCORD_WAREHOUSE_URL to duckdb:///FILE or postgresql://...",
    )


def write_profile(url: str, folder: Path) -> Path:
    """Write `profiles.yml` for the warehouse into the folder, readable by its owner only."""
    output = _duckdb(url) if engine_of(url) == "duckdb" else _postgres(url)
    content = {"accord": {"target": "warehouse", "outputs": {"warehouse": output}}}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "profiles.yml"
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    if not path.exists() or path.read_text() != text:
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_text(text)
    return path


def _duckdb(url: str) -> dict[str, Any]:
    path = Path(url.removeprefix("duckdb:///")).expanduser().absolute()
    return {
        "type": "duckdb",
        "path": _literal(str(path)),
        "schema": "main",
        "threads": DUCKDB_THREADS,
        "config_options": {"enable_external_access": "false"},
        # Drawn on the standard output of whoever builds, in the midst of what it prints there.
        "settings": {"TimeZone": "UTC", "enable_progress_bar": False},
    }


def _postgres(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    output: dict[str, Any] = {
        "type": "postgres",
        "host": parts.hostname or options.get("host", "127.0.0.1"),
        "port": parts.port or 5432,
        "user": _literal(unquote(parts.username or "")),
        "password": _literal(unquote(parts.password or "")),
        "dbname": database_name(url),
        "schema": "public",
        "threads": POSTGRES_THREADS,
        "connect_timeout": 10,
    }
    for name in ("sslmode", "sslrootcert", "sslcert", "sslkey"):
        if name in options:
            output[name] = options[name]
    return output


def _literal(text: str) -> str:
    """Keep text that holds braces from being rendered as a template."""
    return "{{ " + json_string(text) + " }}" if "{" in text else text


def json_string(text: str) -> str:
    """The text as a quoted literal of the template language."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
