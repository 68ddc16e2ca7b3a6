"""Where the vendors' own specification files are, if they are on this machine.

They are published by the vendors and are no part of the project. With them the servers enforce what
the files say; without them, what the built-in tables say. `ACCORD_VENDOR_SPECS` names their folder
where it is not the default one.
"""

import os
from pathlib import Path

DEFAULT_FOLDER = Path(__file__).resolve().parents[2] / "shared" / "vendor_specs"
SHOPIFY_SCHEMA = Path("shopify") / "admin_2026-07.json.gz"
KLAVIYO_FOLDER = Path("klaviyo")


def find_vendor_file(relative: Path, folder: Path | None = None) -> Path | None:
    """The file or folder below `folder` (the default one where None), None where it is absent."""
    named = os.environ.get("ACCORD_VENDOR_SPECS")
    path = (folder or (Path(named) if named else DEFAULT_FOLDER)) / relative
    return path if path.exists() else None
