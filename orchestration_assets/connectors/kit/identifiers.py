"""Identifiers that are handed in from outside: which of them a vendor could have given."""

from collections.abc import Iterable

_LARGEST = 2**63 - 1


def numbers(ids: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """Each identifier once where it is a number of 64 bits, and the others with the reason.

    A vendor refuses the whole call for one identifier that it cannot read.
    """
    good: list[str] = []
    refused: dict[str, str] = {}
    for key in dict.fromkeys(ids):
        # Leading zeros would name a record twice.
        if key.isascii() and key.isdigit() and key[0] != "0" and int(key) <= _LARGEST:
            good.append(key)
        else:
            refused[key] = "the system's identifiers are numbers of at most 64 bits"
    return good, refused
