"""How each system wrote its people down: who is in it, under which name, e-mail and phone."""

from dataclasses import dataclass

import numpy as np

from sandbox.world import errors
from sandbox.world.errors import Dice, per_record, scaled
from sandbox.world.people import People, slug

SAME_EMAIL, SAME_PHONE, NO_SHARED_KEY = 0, 1, 2
DUPLICATE_MODES = [0.45, 0.40, 0.15]


@dataclass
class Written:
    """Parallel lists, one entry a record of one system; `person` is a position in `People`."""

    system: str
    person: list[int]
    first: list[str]
    last: list[str]
    email: list[str | None]
    phone: list[str | None]
    is_duplicate: list[bool]
    created_days: np.ndarray
    updated_days: np.ndarray

    def __len__(self) -> int:
        return len(self.person)


def write_down(rng: np.random.Generator, people: People, system: str, noise: float) -> Written:
    """Write the people of one system down with its share of mistakes."""
    members = np.array(
        [position for position, systems in enumerate(people.systems) if system in systems]
    )
    doubled = members[rng.random(len(members)) < scaled(errors.DUPLICATE_SHARE, noise)]
    person = np.concatenate([members, doubled]).tolist()
    dice = Dice(rng, len(person))
    is_duplicate = [False] * len(members) + [True] * len(doubled)
    mode = rng.choice(3, len(person), p=DUPLICATE_MODES).tolist()
    email = _emails(dice, people, system, person, noise)
    phone = _phones(dice, people, person, noise)
    _copy_keys(people, person, len(members), mode, email, phone)
    first, last = _names(dice, people, person, is_duplicate, noise)
    signup = people.signup_days[person]
    lag = 1.0 if system == "shopify" else 0.4 + 0.6 * rng.random(len(person))
    created = signup * lag
    updated = 0.002 + created * rng.random(len(person)) ** 1.5
    spoilt = _spoil_emails(dice, email, noise)
    return Written(
        system,
        person,
        first,
        last,
        spoilt,
        phone,
        is_duplicate,
        created,
        np.minimum(created, updated),
    )


def _emails(
    dice: Dice, people: People, system: str, person: list[int], noise: float
) -> list[str | None]:
    changed = dice.hits(per_record(errors.CHANGED_EMAIL_SHARE, noise))
    missing = dice.hits(scaled(errors.MISSING_EMAIL_SHARE[system], noise))
    emails: list[str | None] = []
    for position, who in enumerate(person):
        if missing[position]:
            emails.append(None)
        else:
            emails.append(people.other_email[who] if changed[position] else people.email[who])
    return emails


def _phones(dice: Dice, people: People, person: list[int], noise: float) -> list[str | None]:
    changed = dice.hits(per_record(errors.CHANGED_PHONE_SHARE, noise))
    missing = dice.hits(errors.MISSING_PHONE_SHARE)
    phones: list[str | None] = []
    for position, who in enumerate(person):
        if missing[position]:
            phones.append(None)
        else:
            phones.append(people.other_phone[who] if changed[position] else people.phone[who])
    return phones


def _copy_keys(
    people: People,
    person: list[int],
    originals: int,
    mode: list[int],
    email: list[str | None],
    phone: list[str | None],
) -> None:
    """Give duplicates their keys, and every record at least an e-mail or a phone."""
    first_of = {who: position for position, who in enumerate(person[:originals])}
    for position, who in enumerate(person):
        if position >= originals:
            original = first_of[who]
            if mode[position] == SAME_EMAIL and email[original] is not None:
                email[position] = email[original]
            elif mode[position] != NO_SHARED_KEY and phone[original] is not None:
                phone[position] = phone[original]
                email[position] = None if who % 2 else _other(people, who, email[original])
            else:
                email[position] = _other(people, who, email[original])
                phone[position] = None
        if email[position] is None and phone[position] is None:
            email[position] = people.email[who]


def _other(people: People, who: int, email: str | None) -> str:
    return people.email[who] if email == people.other_email[who] else people.other_email[who]


def _names(
    dice: Dice, people: People, person: list[int], is_duplicate: list[bool], noise: float
) -> tuple[list[str], list[str]]:
    typo = dice.hits(scaled(errors.TYPO_SHARE, noise))
    typo_when_double = dice.hits(0.6)
    plain = dice.hits(scaled(errors.PLAIN_LETTERS_SHARE, noise))
    capitals = dice.hits(scaled(errors.CAPITALS_SHARE, noise))
    draw = dice.below(1 << 20)
    firsts, lasts = [], []
    for position, who in enumerate(person):
        first, last = people.first[who], people.last[who]
        if typo[position] or (is_duplicate[position] and typo_when_double[position]):
            if draw[position] % 2:
                first = errors.misspell(first, draw[position] // 2)
            else:
                last = errors.misspell(last, draw[position] // 2)
        if plain[position]:
            first, last = slug(first).title(), slug(last).title()
        if capitals[position]:
            first, last = first.upper(), last.upper()
        firsts.append(first)
        lasts.append(last)
    return firsts, lasts


def _spoil_emails(dice: Dice, emails: list[str | None], noise: float) -> list[str | None]:
    """Variants of case and blanks, undeliverable domains, and addresses without an @."""
    varied = dice.hits(scaled(errors.EMAIL_VARIANT_SHARE, noise))
    misdirected = dice.hits(scaled(errors.TYPO_DOMAIN_SHARE, noise))
    broken = dice.hits(scaled(errors.INVALID_SHARE / 2, noise))
    draw = dice.below(1 << 16)
    spoilt: list[str | None] = []
    for position, email in enumerate(emails):
        changed = email
        if changed is not None and (misdirected[position] or broken[position]):
            local, _, domain = changed.partition("@")
            domains = errors.UNDELIVERABLE_DOMAINS
            is_broken = broken[position]
            changed = f"{local}{domain}" if is_broken else f"{local}@{domains[draw[position] % 5]}"
        if changed is not None and varied[position]:
            changed = errors.vary_email(changed, draw[position])
        spoilt.append(changed)
    return spoilt
