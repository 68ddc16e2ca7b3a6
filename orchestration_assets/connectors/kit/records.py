"""Reading values out of a vendor's nested JSON records."""

from collections.abc import Mapping
from typing import Any


def get_path(record: Mapping[str, Any], dotted: str, default: Any = None) -> Any:
    """Value at a dotted path, `default` where any step is absent or is not an object.

    A key that itself holds the dots wins over the nested reading. A null is returned as None.
    """
    if dotted in record:
        return record[dotted]
    value: Any = record
    for step in dotted.split("."):
        if not isinstance(value, Mapping) or step not in value:
            return default
        value = value[step]
    return value
