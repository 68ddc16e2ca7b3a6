"""Taking personal data out of texts that others wrote, before they are kept or shown."""

import re
from collections.abc import Iterable

_ADDRESS = re.compile(r"[^\s@'\"<>]+@[^\s@'\"<>]+")
# A day with a time of day is when something happened; a day alone may be somebody's birthday.
_MOMENT = r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?!\d)"
_NUMBER = re.compile(rf"(?P<moment>{_MOMENT})|\+?\d[\d .()-]{{6,}}\d")
# Shorter values are too common in ordinary words to be blotted out.
_SHORTEST = 3


def without_personal_data(text: str) -> str:
    """The text with e-mail addresses and phone-like numbers blotted out."""
    return _NUMBER.sub(lambda found: found["moment"] or "[number]", _ADDRESS.sub("[address]", text))


def without_values(text: str, values: Iterable[object]) -> str:
    """The text with these values blotted out, whatever their case, where they stand as words."""
    known = {str(value).strip() for value in values if value is not None}
    for value in sorted(known, key=len, reverse=True):
        if len(value) >= _SHORTEST:
            pattern = rf"(?<!\w){re.escape(value)}(?!\w)"
            text = re.sub(pattern, "***", text, flags=re.IGNORECASE)
    return text
