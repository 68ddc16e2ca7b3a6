"""The map of a labelled sample: which column of its files is what, and how strict to be.

```yaml
id: record              # the column that names a record
columns:                # attribute: column
  first_name: given_name
  last_name: surname
  phone: mobile
default_region: FR      # needed with a phone column: country of numbers that name none
names_can_veto: true    # false only where no two people of a household are in the sample
accept_weight: 7        # log2 odds from which a scored pair is a link
review_weight: 2        # log2 odds from which a scored pair is worth a look
train: false            # true learns the weights from the sample itself, without its labels
```
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from orchestration_assets.errors import FatalError
from orchestration_assets.identity.links import STANDARD, Policy

ATTRIBUTES = (
    "email phone other_phone external_id first_name last_name birth_date address house street city"
    " postal_code country_code"
).split()
"""What a column may be; `address` is house and street in one line."""

_SETTINGS = {
    "id": str,
    "columns": dict,
    "default_region": str,
    "names_can_veto": bool,
    "accept_weight": (int, float),
    "review_weight": (int, float),
    "train": bool,
}


@dataclass(frozen=True, slots=True)
class SampleMap:
    """What the columns of a sample are.

    Args:
        id_column: names a record, once in each file.
        columns: attribute to column.
        default_region: ISO country for numbers of records that name no country.
        policy: from when a score counts.
        train: learn the weights from the sample; otherwise those that come with Accord count.
    """

    id_column: str
    columns: Mapping[str, str]
    default_region: str = ""
    policy: Policy = STANDARD
    train: bool = False

    @property
    def wanted(self) -> list[str]:
        """All columns that a file must have, each once."""
        return list(dict.fromkeys([self.id_column, *self.columns.values()]))


def read_map(path: Path) -> SampleMap:
    """Read a map.

    Raises:
        FatalError: it is missing, no YAML, or says something that no map may say.
    """
    where = f"The map {path.name}"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise FatalError(f"{where} does not exist.", "give --map a file that does.") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise FatalError(f"{where} cannot be read.", "write it as YAML text in UTF-8.") from error
    if not isinstance(content, dict):
        raise FatalError(f"{where} holds no settings.", "give it at least `id` and `columns`.")
    _check(where, content)
    columns = content["columns"]
    _check_attributes(where, columns)
    region = content.get("default_region", "")
    if not region and {"phone", "other_phone"} & set(columns):
        raise FatalError(
            f"{where} names a phone column but no default_region.",
            "add default_region, the ISO country of numbers that name none (FR, DE, ...).",
        )
    return SampleMap(
        id_column=content["id"],
        columns=columns,
        default_region=region,
        policy=_policy(where, content),
        train=content.get("train", False),
    )


def _check(where: str, content: Mapping[str, Any]) -> None:
    unknown = sorted(str(name) for name in content if name not in _SETTINGS)
    if unknown:
        raise FatalError(
            f"{where} has settings that are not known: {', '.join(unknown)}.",
            f"use only {', '.join(_SETTINGS)}.",
        )
    missing = [name for name in ("id", "columns") if not content.get(name)]
    if missing:
        raise FatalError(
            f"{where} says nothing of {' and '.join(missing)}.",
            "name the id column under `id`, and attribute: column pairs under `columns`.",
        )
    for name, value in content.items():
        kind = _SETTINGS[name]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            wanted = {str: "text", dict: "attribute: column pairs", bool: "true or false"}
            expected = "a number" if isinstance(kind, tuple) else wanted[kind]
            raise FatalError(f"{where}: {name} is not {expected}.", f"write {expected} there.")


def _check_attributes(where: str, columns: Mapping[str, Any]) -> None:
    unknown = sorted(str(name) for name in columns if name not in ATTRIBUTES)
    if unknown:
        raise FatalError(
            f"{where} names attributes that are not known: {', '.join(unknown)}.",
            f"use only {', '.join(ATTRIBUTES)}.",
        )
    no_text = [name for name, column in columns.items() if not isinstance(column, str)]
    if no_text:
        raise FatalError(
            f"{where}: what it says of {', '.join(no_text)} is not the text of a column name.",
            "put the column in quotes: YAML takes no, yes, on and digits for something else.",
        )
    if "address" in columns and {"house", "street"} & set(columns):
        raise FatalError(
            f"{where} names both address and its parts.",
            "keep either address, or house and street.",
        )


def _policy(where: str, content: Mapping[str, Any]) -> Policy:
    accept = float(content.get("accept_weight", STANDARD.accept_weight))
    review = float(content.get("review_weight", min(STANDARD.review_weight, accept)))
    if review > accept:
        raise FatalError(
            f"{where}: review_weight is above accept_weight.",
            "pairs to review lie below those that are accepted: lower it.",
        )
    return Policy(accept, review, content.get("names_can_veto", True))
