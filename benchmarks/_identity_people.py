"""A million records of people whose truth is known, as plausible as numbers can make them.

First names, last names and cities follow Zipf's law (share of the rank r in proportion to
1 / (r + 10): the first names reach 2 %, last names 1 %, cities 2 %). A person has one to three
records, 1.75 on average, in different systems. Of the records 5 % have a slip in the last name, 6 %
another e-mail address and 5 % none, 8 % another phone and 30 % none, 30 % no street. The same count
and seed give the same people.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

RECORDS_A_PERSON = 1.75
SYSTEMS = ("hubspot", "shopify", "klaviyo")
_COPIES, _SHARE_OF_COPIES = (1, 2, 3), (0.45, 0.35, 0.2)
_FIRST_NAMES, _LAST_NAMES, _CITIES, _STREETS = 2_000, 40_000, 5_000, 3_000
_ZIPF_OFFSET = 10.0
_SLIPS, _OTHER_EMAIL, _NO_EMAIL = 0.05, 0.06, 0.05
_OTHER_PHONE, _NO_PHONE, _NO_STREET = 0.08, 0.3, 0.3
_SYLLABLES = np.array([c + v for c in "bcdfghjklmnprstvw" for v in "aeiou"], dtype=object)
_MOST_SYLLABLES = 4
_MOST_HOUSES = 200
_LANDED_FROM = np.datetime64("2026-01-01", "us")
_NUMBERS = 10_000_000  # of seven digits, so that each is a valid French one

SCHEMA = pa.schema(
    [
        *(
            (name, pa.string())
            for name in (
                "system record_id email phone first_name last_name address city postal_code"
            ).split()
        ),
        ("landed_at", pa.timestamp("us", "UTC")),
    ]
)


@dataclass(frozen=True)
class People:
    """Records, and who they are.

    Attributes:
        records: the columns of `SCHEMA`, in the order in which they were landed.
        person: number of the person of each record; no matcher is shown it.
    """

    records: pa.Table
    person: np.ndarray


def people(count: int, seed: int = 1, first: int = 0) -> People:
    """Make so many records.

    Args:
        count: how many.
        seed: another one has other names.
        first: number of the first record and the first person; with another one nobody is the same.
    """
    dice = np.random.default_rng(seed)
    persons = int(count / RECORDS_A_PERSON) + 1
    copies = dice.choice(_COPIES, persons, p=_SHARE_OF_COPIES)
    # The last ones fill up what chance left open.
    who = np.repeat(np.arange(persons), copies)
    who = np.concatenate([who, np.arange(persons, persons + max(0, count - len(who)))])[:count]
    persons = int(who.max()) + 1
    firsts, lasts = _names(dice, _FIRST_NAMES), _names(dice, _LAST_NAMES)
    given, last = (names[_zipf(dice, len(names), persons)] for names in (firsts, lasts))
    city = _zipf(dice, _CITIES, persons)
    streets = _names(dice, _STREETS)[dice.integers(0, _STREETS, persons)]
    number = np.arange(first, first + persons)
    email = _joined(given, ".", last, _text(number), "@mail.org")
    phone = _joined("+3361", _digits(number * 7919))
    address = _joined(_text(dice.integers(1, _MOST_HOUSES, persons)), " rue ", streets)
    # Records of people who came at the same time do not lie side by side.
    order = dice.permutation(count)
    who = who[order]
    records = np.arange(first, first + count)
    return People(
        pa.table(
            {
                "system": np.array(SYSTEMS, dtype=object)[_turn(order, who)],
                "record_id": _text(records),
                "email": _emails(dice, email[who], records),
                "phone": _phones(dice, phone[who], records),
                "first_name": given[who],
                "last_name": _slipped(dice, last[who]),
                "address": _without(dice, address[who], _NO_STREET),
                "city": _names(dice, _CITIES)[city[who]],
                "postal_code": _joined(_digits(city[who], 5)),
                "landed_at": _LANDED_FROM + records.astype("timedelta64[us]"),
            },
            schema=SCHEMA,
        ),
        number[who],
    )


def _turn(order: np.ndarray, who: np.ndarray) -> np.ndarray:
    """Which system each record is in: another one for every record of a person."""
    return (order + who) % len(SYSTEMS)


def _names(dice: np.random.Generator, count: int) -> np.ndarray:
    """So many different names of two to four syllables."""
    found: dict[str, None] = {}
    while len(found) < count:
        parts = _SYLLABLES[dice.integers(0, len(_SYLLABLES), (_MOST_SYLLABLES, count))]
        size = dice.integers(2, _MOST_SYLLABLES + 1, count)
        names = parts[0] + parts[1] + np.where(size > 2, parts[2], "")
        found |= dict.fromkeys(names + np.where(size > 3, parts[3], ""))
    return np.array(list(found)[:count], dtype=object)


def _zipf(dice: np.random.Generator, kinds: int, count: int) -> np.ndarray:
    shares = 1 / (np.arange(kinds) + _ZIPF_OFFSET)
    return dice.choice(kinds, count, p=shares / shares.sum())


def _text(numbers: np.ndarray) -> np.ndarray:
    return numbers.astype(str).astype(object)


def _digits(numbers: np.ndarray, size: int = 7) -> np.ndarray:
    return np.char.zfill((numbers % _NUMBERS).astype(str), size).astype(object)


def _joined(*parts: str | np.ndarray) -> np.ndarray:
    whole: np.ndarray = np.array("", dtype=object)
    for part in parts:
        whole = whole + part
    return whole


def _without(dice: np.random.Generator, values: np.ndarray, share: float) -> np.ndarray:
    left = values.copy()
    left[dice.random(len(values)) < share] = None
    return left


def _emails(dice: np.random.Generator, values: np.ndarray, records: np.ndarray) -> np.ndarray:
    other = _joined(_text(records), "@else.org")
    changed = np.where(dice.random(len(values)) < _OTHER_EMAIL, other, values)
    return _without(dice, changed, _NO_EMAIL)


def _phones(dice: np.random.Generator, values: np.ndarray, records: np.ndarray) -> np.ndarray:
    other = _joined("+3376", _digits(records))
    kept = _without(dice, values, _NO_PHONE)
    return np.where(dice.random(len(values)) < _OTHER_PHONE, other, kept)


def _slipped(dice: np.random.Generator, names: np.ndarray) -> np.ndarray:
    """The names, some with a letter written twice."""
    written = names.copy()
    for place in np.flatnonzero(dice.random(len(names)) < _SLIPS):
        name = written[place]
        at = 1 + int(place) % (len(name) - 1)
        written[place] = name[:at] + name[at - 1] + name[at:]
    return written
