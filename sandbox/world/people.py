"""The people of the world: who they truly are, before any system writes them down.

All draws are vectorised; a person is a position in parallel lists.
"""

import unicodedata
from dataclasses import dataclass, field

import numpy as np

from sandbox.world.names import Country, countries, first_names, last_names

MEMBERSHIP = {
    ("hubspot",): 0.21,
    ("shopify",): 0.12,
    ("klaviyo",): 0.12,
    ("hubspot", "shopify"): 0.11,
    ("hubspot", "klaviyo"): 0.12,
    ("shopify", "klaviyo"): 0.17,
    ("hubspot", "shopify", "klaviyo"): 0.15,
}
SHARED_IDENTIFIER_SHARE = 0.039
"""People paired with somebody; some pairs show in no record, which leaves 3 % visible."""
HOUSEHOLD_SHARE = 0.7
SHARED_PHONE_SHARE = 0.6
EXTERNAL_ID_SHARE = 0.35
OLDEST_SIGNUP_DAYS = 760.0
MOBILE_FORMS = {
    "FR": (33, 9, (640_000_000, 689_999_999)),
    "CH": (41, 9, (760_000_000, 799_999_999)),
    "DE": (49, 10, (1_700_000_000, 1_799_999_999)),
    "GB": (44, 10, (7_400_000_000, 7_599_999_999)),
}


@dataclass
class People:
    """Parallel lists, one entry a person; `signup_days` is the age of the first contact."""

    ids: list[str]
    first: list[str]
    last: list[str]
    country: list[str]
    address: list[str]
    zip_code: list[str]
    city: list[str]
    email: list[str]
    other_email: list[str]
    phone: list[str]
    other_phone: list[str]
    company: list[str | None]
    systems: list[tuple[str, ...]]
    has_external_id: np.ndarray
    signup_days: np.ndarray
    likes_email: np.ndarray = field(default_factory=lambda: np.zeros(0))
    likes_sms: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def __len__(self) -> int:
        return len(self.ids)


def draw_people(rng: np.random.Generator, ids: list[str], noise: float) -> People:
    """Draw one person for each identifier; `noise` scales how many share an identifier."""
    count = len(ids)
    home = rng.choice(len(countries()), count, p=[entry.share for entry in countries()])
    language = _languages(rng, home)
    first, last = _names(rng, language)
    zip_code, city, address = _addresses(rng, home)
    company = [
        f"{name} & Co" if flag else None
        for name, flag in zip(_shuffled(rng, last), rng.random(count) < 0.15, strict=True)
    ]
    taken: set[str] = set()
    memberships = list(MEMBERSHIP)
    picks = rng.choice(len(memberships), count, p=list(MEMBERSHIP.values()))
    phones = unique_phones(rng, home, set())
    people = People(
        ids=ids,
        first=first,
        last=last,
        country=[countries()[position].code for position in home],
        address=address,
        zip_code=zip_code,
        city=city,
        email=make_emails(rng, first, last, home, taken),
        other_email=make_emails(rng, first, last, home, taken),
        phone=phones,
        other_phone=unique_phones(rng, home, set(phones)),
        company=company,
        systems=[memberships[pick] for pick in picks],
        has_external_id=rng.random(count) < EXTERNAL_ID_SHARE,
        signup_days=0.5 + rng.random(count) ** 1.4 * (OLDEST_SIGNUP_DAYS - 0.5),
        likes_email=rng.random(count),
        likes_sms=rng.random(count),
    )
    _share_identifiers(rng, people, noise)
    return people


def slug(text: str) -> str:
    """Name as it stands in an e-mail address: ASCII letters and digits, lower case."""
    plain = text.replace("ß", "ss").replace("ø", "o")
    plain = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    return "".join(char for char in plain.lower() if char.isalnum())


def make_emails(
    rng: np.random.Generator, first: list[str], last: list[str], home: np.ndarray, taken: set[str]
) -> list[str]:
    """E-mail addresses that nobody else has; `taken` grows by them."""
    count = len(first)
    pattern = rng.choice(5, count, p=[0.46, 0.16, 0.12, 0.16, 0.10])
    number = rng.integers(1, 99, count)
    domain = rng.random(count)
    slugs = {name: slug(name) for name in {*first, *last}}
    emails = []
    for position in range(count):
        given, family = slugs[first[position]], slugs[last[position]]
        local = (
            f"{given}.{family}",
            f"{given[0]}.{family}",
            f"{given}{family}",
            f"{given}.{family}{number[position]:02d}",
            f"{family}.{given}",
        )[pattern[position]]
        domains = countries()[home[position]].domains
        where = domains[int(domain[position] ** 1.6 * len(domains))]
        email, extra = f"{local}@{where}", 1
        while email in taken:
            extra += 1
            email = f"{local}{extra}@{where}"
        taken.add(email)
        emails.append(email)
    return emails


def unique_phones(rng: np.random.Generator, home: np.ndarray, taken: set[str]) -> list[str]:
    """Mobile numbers in E.164 that nobody else has; `taken` grows by them."""
    forms = [MOBILE_FORMS[entry.code] for entry in countries()]
    low = np.array([form[2][0] for form in forms])[home]
    high = np.array([form[2][1] for form in forms])[home]
    numbers = rng.integers(low, high)
    phones = []
    for position, number in enumerate(numbers.tolist()):
        prefix = forms[home[position]][0]
        phone = f"+{prefix}{number}"
        while phone in taken:
            phone = f"+{prefix}{int(phone[3:]) + 1}"
        taken.add(phone)
        phones.append(phone)
    return phones


def _languages(rng: np.random.Generator, home: np.ndarray) -> np.ndarray:
    language = np.empty(len(home), dtype=object)
    for position, entry in enumerate(countries()):
        here = home == position
        language[here] = rng.choice(
            list(entry.languages), int(here.sum()), p=list(entry.languages.values())
        )
    return language


def _names(rng: np.random.Generator, language: np.ndarray) -> tuple[list[str], list[str]]:
    first = np.empty(len(language), dtype=object)
    last = np.empty(len(language), dtype=object)
    for name in first_names():
        here = language == name
        first[here] = first_names()[name].draw(rng, int(here.sum()))
        last[here] = last_names()[name].draw(rng, int(here.sum()))
    return first.tolist(), last.tolist()


def _addresses(
    rng: np.random.Generator, home: np.ndarray
) -> tuple[list[str], list[str], list[str]]:
    town, street = rng.random(len(home)), rng.random(len(home))
    number = rng.integers(1, 180, len(home)).tolist()
    zips, cities, addresses = [], [], []
    for position, where in enumerate(home.tolist()):
        country: Country = countries()[where]
        zip_code, city = country.towns[int(town[position] * len(country.towns))]
        road = country.streets[int(street[position] * len(country.streets))]
        zips.append(zip_code)
        cities.append(city)
        number_first = country.code in ("FR", "GB")
        addresses.append(
            f"{number[position]} {road}" if number_first else f"{road} {number[position]}"
        )
    return zips, cities, addresses


def _shuffled(rng: np.random.Generator, values: list[str]) -> list[str]:
    return [values[position] for position in rng.permutation(len(values))]


def _share_identifiers(rng: np.random.Generator, people: People, noise: float) -> None:
    """Let pairs of people share an e-mail or a phone: households and colleagues."""
    pairs = int(len(people) * min(0.9, SHARED_IDENTIFIER_SHARE * noise) / 2)
    chosen = rng.permutation(len(people))[: 2 * pairs].reshape(pairs, 2)
    is_household = rng.random(pairs) < HOUSEHOLD_SHARE
    shares_phone = rng.random(pairs) < SHARED_PHONE_SHARE
    for position, (one, other) in enumerate(chosen.tolist()):
        if is_household[position]:
            for values in (
                people.last,
                people.country,
                people.address,
                people.zip_code,
                people.city,
            ):
                values[other] = values[one]
            if people.first[other] == people.first[one]:
                people.first[other] = "Camille" if people.first[one] != "Camille" else "Dominique"
        elif (people.first[other], people.last[other]) == (people.first[one], people.last[one]):
            continue
        else:
            name = people.company[one] or f"{people.last[one]} & Co"
            people.company[one] = people.company[other] = name
        if shares_phone[position]:
            people.phone[other] = people.phone[one]
        else:
            people.email[other] = people.email[one]
