"""How systems get people wrong: the rates, and the wrong spellings.

Rates hold at noise 1 and scale with it; where two records are compared, the rate is per pair.
"""

from dataclasses import dataclass

import numpy as np

CHANGED_EMAIL_SHARE = 0.048
"""Duplicates and undeliverable domains bring what is measured to 8 %."""
CHANGED_PHONE_SHARE = 0.10
MISSING_PHONE_SHARE = 0.25
MISSING_EMAIL_SHARE = {"hubspot": 0.018, "shopify": 0.012, "klaviyo": 0.006}
DUPLICATE_SHARE = 0.03
TYPO_SHARE = 0.05
PLAIN_LETTERS_SHARE = 0.08
CAPITALS_SHARE = 0.03
EMAIL_VARIANT_SHARE = 0.04
INVALID_SHARE = 0.005
TYPO_DOMAIN_SHARE = 0.005
NATIONAL_PHONE_SHARE = 0.4
CONTRADICTION_SHARE = 0.06
UNDELIVERABLE_DOMAINS = ("gmial.con", "hotmial.con", "yaho.con", "orange.frr", "outlok.con")
NATIONAL_PREFIX = {"+33": "0", "+41": "0", "+49": "0", "+44": "0"}


def per_record(pair_rate: float, noise: float) -> float:
    """Chance that one record took the other value, so that a pair differs at `pair_rate`."""
    scaled = min(0.5, pair_rate * noise)
    return (1.0 - (1.0 - 2.0 * scaled) ** 0.5) / 2.0


def scaled(rate: float, noise: float) -> float:
    """Rate at this noise, never above 0.9."""
    return min(0.9, rate * noise)


@dataclass
class Dice:
    """Draws one array of chances at a time and asks them position by position."""

    rng: np.random.Generator
    count: int

    def hits(self, share: float) -> list[bool]:
        """True at about `share` of the positions."""
        return (self.rng.random(self.count) < share).tolist()

    def below(self, bound: int) -> list[int]:
        """A whole number from 0 to `bound - 1` for every position."""
        return self.rng.integers(0, bound, self.count).tolist()


def misspell(name: str, draw: int) -> str:
    """One slip of the keyboard: two letters swapped, one left out, doubled or replaced."""
    if len(name) < 3:
        return name + name[-1:]
    position = 1 + draw % (len(name) - 2)
    kind = draw // 64 % 4
    head, letter, tail = name[:position], name[position], name[position + 1 :]
    if kind == 0 and tail[0] != letter:
        return head + tail[0] + letter + tail[1:]
    if kind == 1:
        return head + tail
    if kind == 2:
        return head + letter + letter + tail
    return head + chr(ord("a") + (ord(letter.lower()) * 7 + draw) % 26) + tail


def vary_email(email: str, draw: int) -> str:
    """The same address with other case or with blanks around it."""
    return (email.upper(), email.title(), f" {email}", f"{email} ")[draw % 4]


def spell_phone(phone: str, draw: int) -> str:
    """The same number as people type it: national or international, with blanks or dots."""
    code, rest = phone[:3], phone[3:]
    pairs = [rest[-2 * place : len(rest) - 2 * place + 2] for place in range(4, 0, -1)]
    start = rest[: len(rest) - 8]
    national = NATIONAL_PREFIX[code] + start
    return (
        " ".join([national, *pairs]),
        ".".join([national, *pairs]),
        national + "".join(pairs),
        " ".join([code, start, *pairs]),
        f"00{code[1:]}{rest}",
    )[draw % 5]
