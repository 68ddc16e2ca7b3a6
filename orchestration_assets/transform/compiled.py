"""The SQL of every model as dbt compiles it for a full build; kept beside the manifest."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from orchestration_assets.transform.describe import compile_project
from orchestration_assets.transform.project import ensure_manifest

_FILE = "compiled.json"


def compiled_models() -> tuple[Path, dict[str, str]]:
    """The manifest that the SQL was compiled from, and the SQL by the model's unique id.

    It is DuckDB's SQL, compiled in an empty file that is thrown away: no warehouse is needed, and
    columns come from the same columns on both engines.

    Raises:
        FatalError: a model does not compile; holds dbt's own message.
    """
    manifest = ensure_manifest()
    kept = manifest.with_name(_FILE)
    parsed_at = manifest.stat().st_mtime_ns
    if kept.exists():
        content = json.loads(kept.read_bytes())
        if content["parsed_at"] == parsed_at:
            return manifest, content["models"]
    with TemporaryDirectory() as folder:
        models = compile_project(f"duckdb:///{folder}/empty.duckdb", Path(folder))
    kept.write_text(json.dumps({"parsed_at": parsed_at, "models": models}))
    return manifest, models
