"""Identifiers in each vendor's own form, rising, and the same for the same seed."""

import hashlib

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_FIRST_NUMBER = {"hubspot": 40_000_000_000, "shopify": 7_000_000_000_000, "person": 1}
_STEP = {"hubspot": 37, "shopify": 32_768, "person": 1}


def _base32(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 32)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


class IdSequence:
    """One rising sequence per system."""

    def __init__(self, seed: int) -> None:
        self._count: dict[str, int] = {}
        digest = hashlib.sha256(f"klaviyo-{seed}".encode()).digest()
        self._tail = _base32(int.from_bytes(digest[:9], "big"), 14)

    def next(self, system: str) -> str:
        """The next identifier of the system."""
        return self.many(system, 1)[0]

    def many(self, system: str, count: int) -> list[str]:
        """The next `count` identifiers of the system."""
        first = self._count.get(system, 0)
        self._count[system] = first + count
        if system == "klaviyo":
            heads = (_base32(first + position, 9) for position in range(count))
            return [f"01J{head}{self._tail}" for head in heads]
        base, step = _FIRST_NUMBER[system], _STEP[system]
        if system == "person":
            return [f"p{first + position + 1:08d}" for position in range(count)]
        return [str(base + (first + position) * step) for position in range(count)]
