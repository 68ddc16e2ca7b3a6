"""E-mails, phones and names in the form in which they are compared."""

import pytest

from orchestration_assets.identity import normalise


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (" Ann.Lee@Example.COM ", "ann.lee@example.com"),
        ("ann lee@example.com", "annlee@example.com"),
        ("mailto:ann@example.com", "ann@example.com"),
        ("ann+shop@example.co.uk", "ann+shop@example.co.uk"),
        ("annexample.com", None),
        ("ann@example", None),
        ("ann@@example.com", None),
        ("ann..lee@example.com", None),
        ("", None),
        (None, None),
    ],
)
def test_an_email_is_lower_case_and_valid_or_nothing(typed: str | None, expected: str) -> None:
    assert normalise.email(typed) == expected


@pytest.mark.parametrize(
    ("typed", "region", "expected"),
    [
        ("06 40 11 22 33", "FR", "+33640112233"),
        ("+33 (0)6 40 11 22 33", "DE", "+33640112233"),
        ("0033 6 40 11 22 33", "CH", "+33640112233"),
        ("07400 123456", "GB", "+447400123456"),
        ("06 40 11 22 33 ext. 12", "FR", "+33640112233"),
        ("12345", "FR", None),
        ("call me", "FR", None),
        (None, "FR", None),
    ],
)
def test_a_phone_takes_the_region_of_its_country(typed: str, region: str, expected: str) -> None:
    assert normalise.phone(typed, region) == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("  ÉLODIE ", "elodie"),
        ("Jean-Pierre", "jean pierre"),
        ("Dr. Groß", "gross"),
        ("O'Neill", "o neill"),
        ("N/A", None),
        ("-", None),
        (None, None),
    ],
)
def test_a_name_is_folded_to_plain_words(typed: str | None, expected: str | None) -> None:
    assert normalise.name(typed) == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("gid://shopify/Customer/71", "71"), (" 71 ", "71"), ("crm-71", None), (None, None)],
)
def test_a_shop_id_is_a_number(typed: str | None, expected: str | None) -> None:
    assert normalise.shop_id(typed) == expected
