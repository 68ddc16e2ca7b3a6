"""Taking personal data out of texts that others wrote, before they are kept or shown."""

import re
from collections.abc import Iterable

_ADDRESS = re.compile(r"[^\s@'\"<>]+@[^\s@'\"<>]+")
_NUMBER = re.compile(r"\+?\d[\d .()-]{6,}\d")
# Shorter values are too common in ordinary words to be blotted out.
_SHORTEST = 3


def without_personal_data(text: str) -> str:
    """The text with e-mail addresses and phone-like numbers blotted out."""
    return _NUMBER.sub("[number]", _ADDRESS.sub("[address]", text))


def without_values(text: str, values: Iterable[object]) -> str:
    """The text with these values blotted out, whatever their case, where they stand as words."""
    known = {str(value).strip() for value in values if value is not None}
    for value in sorted(known, key=len, reverse=True):
        if len(value) >= _SHORTEST:
            pattern = rf"(?<!\w){re.escape(value)}(?!\w)"
            text = re.sub(pattern, "***", text, flags=re.IGNORECASE)
    return text
