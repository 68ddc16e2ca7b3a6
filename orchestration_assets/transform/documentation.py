"""dbt's documentation site as one page that needs no server and calls nobody."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from orchestration_assets.transform.describe import generate_catalog
from orchestration_assets.warehouse.engine import Warehouse

# Where dbt's page takes its data from when it is opened from a file.
_PLACES = {"manifest": '"MANIFEST.JSON INLINE DATA"', "catalog": '"CATALOG.JSON INLINE DATA"'}


@dataclass(frozen=True, slots=True)
class Documentation:
    """What was written.

    Attributes:
        page: the site, `index.html`.
        models: models described.
        tables: tables whose columns were found in the warehouse; 0 before the first build.
    """

    page: Path
    models: int
    tables: int


def write_documentation(
    warehouse: Warehouse | None, out: Path, annotate: Callable[[dict[str, Any]], None]
) -> Documentation:
    """Write the site with its data files.

    Args:
        warehouse: whose tables are listed; None where there are none yet.
        out: folder of `index.html`, `manifest.json` and `catalog.json`; made when missing.
        annotate: adds to the manifest what dbt does not know.

    Raises:
        FatalError: a model does not compile; holds dbt's own message.
    """
    with TemporaryDirectory() as work:
        target = generate_catalog(warehouse, Path(work))
        content = {name: json.loads((target / f"{name}.json").read_bytes()) for name in _PLACES}
        page = (target / "index.html").read_text(encoding="utf-8")
    manifest = content["manifest"]
    annotate(manifest)
    # The page reports its use where the project that it shows does.
    manifest["metadata"]["send_anonymous_usage_stats"] = False
    out.mkdir(parents=True, exist_ok=True)
    for name, place in _PLACES.items():
        text = json.dumps(content[name])
        (out / f"{name}.json").write_text(text, encoding="utf-8")
        # Inside a script element, which a description could otherwise end.
        page = page.replace(place, text.replace("</", "<\\/"))
    (out / "index.html").write_text(page, encoding="utf-8")
    models = [n for n in manifest["nodes"].values() if n["resource_type"] == "model"]
    return Documentation(out / "index.html", len(models), len(content["catalog"]["nodes"]))
