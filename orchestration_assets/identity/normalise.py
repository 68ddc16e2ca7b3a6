"""What a record says, in the one form in which it is compared: addresses, numbers, names, dates."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache

import phonenumbers
import pyarrow as pa

from orchestration_assets.identity.keys import record_keys

_BLANKS = re.compile(r"\s+")
_NO_LETTERS = re.compile(r"[^a-z]+")
_EMAIL = re.compile(r"[^@\s,;<>()\"\\]{1,64}@([^\W_][\w-]{0,62}\.)+[^\W\d_][\w-]{1,62}")
_HOUSE = re.compile(r"\d+\s?[a-z]?\b")
_NO_SIGNS = re.compile(r"[^A-Z0-9]+")
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


@lru_cache(maxsize=200_000)
def house(address: str | None) -> str | None:
    """The first number of an address line, with its letter (`12b`); None where it has none."""
    found = _HOUSE.search((address or "").lower())
    return found.group().replace(" ", "") if found else None


@lru_cache(maxsize=200_000)
def street(address: str | None) -> str | None:
    """The words of an address line without numbers and accents; None where it has none."""
    return name(_HOUSE.sub(" ", (address or "").lower()))


def postal_code(value: str | None) -> str | None:
    """Capital letters and digits of a postal code; None where there are none."""
    return _NO_SIGNS.sub("", (value or "").upper()) or None


NORMALISED = pa.schema(
    [
        ("record_key", pa.int64()),
        ("system", pa.string()),
        ("record_id", pa.string()),
        ("first_loaded_at", pa.timestamp("us", "UTC")),
        *(
            (name, pa.string())
            for name in (
                "email phone other_phone shop_id first last birth_date house street city postal"
            ).split()
        ),
    ]
)
"""Columns of normalised people; `birth_date` is ISO text, null where no system has one."""


def normalised(people: pa.Table, default_region: str) -> pa.Table:
    """Return the people with their values in comparable form.

    Args:
        people: columns of the model `int_person_records_unioned`.
        default_region: ISO country for phone numbers of records that name no country.

    Returns:
        the columns of `NORMALISED`, in the order of `people`.
    """
    regions = [code or default_region for code in people["country_code"].to_pylist()]
    addresses = people["address"].to_pylist()
    system, record_id = (people[name].cast(pa.string()) for name in ("system", "record_id"))
    return pa.table(
        {
            "record_key": record_keys(system, record_id),
            "system": system,
            "record_id": record_id,
            "first_loaded_at": people["first_loaded_at"].cast(pa.timestamp("us", "UTC")),
            "email": _each(email, people["email"].to_pylist()),
            "phone": _each_phone(people["phone"].to_pylist(), regions),
            "other_phone": _each_phone(people["other_phone"].to_pylist(), regions),
            "shop_id": _each(shop_id, people["named_shopify_customer_id"].to_pylist()),
            "first": _each(name, people["first_name"].to_pylist()),
            "last": _each(name, people["last_name"].to_pylist()),
            "birth_date": pa.nulls(people.num_rows, pa.string()),
            "house": _each(house, addresses),
            "street": _each(street, addresses),
            "city": _each(name, people["city"].to_pylist()),
            "postal": _each(postal_code, people["postal_code"].to_pylist()),
        },
        schema=NORMALISED,
    )


def _each(rule: Callable[[str | None], str | None], values: Iterable[str | None]) -> pa.Array:
    return pa.array([rule(value) for value in values], pa.string())


def _each_phone(values: list[str | None], regions: list[str]) -> pa.Array:
    pairs = zip(values, regions, strict=True)
    return pa.array([phone(value, region) for value, region in pairs], pa.string())
