"""What a record says, in the one form in which it is compared: e-mail, phone, names, shop id."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache

import phonenumbers
import pyarrow as pa

_BLANKS = re.compile(r"\s+")
_NO_LETTERS = re.compile(r"[^a-z]+")
_EMAIL = re.compile(r"[^@\s,;<>()\"\\]{1,64}@([^\W_][\w-]{0,62}\.)+[^\W\d_][\w-]{1,62}")
_EXTENSION = re.compile(r"(?i)\s*(ext|poste|x)\.?\s*\d{1,6}\s*$")
# Written with strokes and ligatures that Unicode does not take apart.
_SPELLED = str.maketrans({"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d"})
_TITLES = frozenset(
    {"mr", "mrs", "ms", "miss", "dr", "prof", "m", "mme", "mlle", "herr", "frau", "sir"}
)
_NO_VALUE = frozenset({"", "null", "none", "n a", "na", "unknown", "inconnu", "unbekannt", "test"})


@lru_cache(maxsize=200_000)
def email(value: str | None) -> str | None:
    """The address in lower case without blanks; None where it is not an address."""
    if value is None:
        return None
    text = _BLANKS.sub("", value).lower().removeprefix("mailto:").strip("<>.,;'\"")
    if not _EMAIL.fullmatch(text) or ".." in text or len(text) > 254:
        return None
    return text


@lru_cache(maxsize=200_000)
def phone(value: str | None, region: str) -> str | None:
    """The number in E.164; None where it is not a valid number.

    Args:
        value: as it was typed.
        region: ISO country assumed where the number names none.
    """
    if value is None:
        return None
    try:
        number = phonenumbers.parse(_EXTENSION.sub("", value), region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@lru_cache(maxsize=200_000)
def name(value: str | None) -> str | None:
    """Lower-case words without accents, titles and punctuation; None where nothing is left."""
    if value is None:
        return None
    plain = unicodedata.normalize("NFKD", value.lower().translate(_SPELLED))
    words = _NO_LETTERS.sub(" ", "".join(c for c in plain if not unicodedata.combining(c))).split()
    kept = [word for word in words if word not in _TITLES] or words
    text = " ".join(kept)
    return None if text in _NO_VALUE else text


def shop_id(value: str | None) -> str | None:
    """The number of a Shopify customer, also out of a global identifier; None for other text."""
    number = (value or "").strip().rpartition("/")[2]
    return number if number.isdigit() else None


def normalised(people: pa.Table, default_region: str) -> pa.Table:
    """Return the people with `position` and their values in comparable form.

    Args:
        people: columns of the model `int_person_records_unioned`.
        default_region: ISO country for phone numbers of records that name no country.

    Returns:
        position, system, record_id, first_loaded_at, email, phone, other_phone, shop_id, first,
        last, in the order of `people`.
    """
    regions = [code or default_region for code in people["country_code"].to_pylist()]
    return pa.table(
        {
            "position": pa.array(range(people.num_rows), pa.int32()),
            "system": people["system"].cast(pa.string()),
            "record_id": people["record_id"].cast(pa.string()),
            "first_loaded_at": people["first_loaded_at"],
            "email": _each(email, people["email"].to_pylist()),
            "phone": _each_phone(people["phone"].to_pylist(), regions),
            "other_phone": _each_phone(people["other_phone"].to_pylist(), regions),
            "shop_id": _each(shop_id, people["named_shopify_customer_id"].to_pylist()),
            "first": _each(name, people["first_name"].to_pylist()),
            "last": _each(name, people["last_name"].to_pylist()),
        }
    )


def _each(rule: Callable[[str | None], str | None], values: Iterable[str | None]) -> pa.Array:
    return pa.array([rule(value) for value in values], pa.string())


def _each_phone(values: list[str | None], regions: list[str]) -> pa.Array:
    pairs = zip(values, regions, strict=True)
    return pa.array([phone(value, region) for value, region in pairs], pa.string())
