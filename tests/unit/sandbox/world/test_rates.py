"""The world's error rates are what the field shows, and follow the noise."""

import pytest

from sandbox.world.generate import generate
from sandbox.world.rates import Rates, measure

PEOPLE = 8_000


@pytest.fixture(scope="module")
def rates() -> dict[int, Rates]:
    return {noise: measure(generate(PEOPLE, 11, noise)) for noise in (0, 1, 2)}


def test_a_clean_world_has_no_errors(rates):
    clean = rates[0]
    assert clean.cross_system_pairs > PEOPLE / 2
    assert clean.keyless_pairs == 0
    assert clean.changed_email_pairs == 0
    assert clean.changed_phone_pairs == 0
    assert clean.people_sharing_identifier == 0
    assert clean.duplicate_records == 0


@pytest.mark.parametrize(
    ("rate", "expected", "tolerance"),
    [
        ("keyless_pairs", 0.04, 0.008),
        ("changed_email_pairs", 0.08, 0.012),
        ("changed_phone_pairs", 0.10, 0.015),
        ("people_sharing_identifier", 0.03, 0.006),
        ("duplicate_records", 0.03, 0.005),
    ],
)
def test_errors_come_at_the_rates_of_the_field_and_double_with_the_noise(
    rates, rate, expected, tolerance
):
    assert getattr(rates[1], rate) == pytest.approx(expected, abs=tolerance)
    assert getattr(rates[2], rate) == pytest.approx(2 * expected, rel=0.25)


def test_duplicates_mostly_share_a_key(rates):
    assert 0.65 < rates[1].duplicates_sharing_key < 0.95


def test_last_names_have_a_zipf_head_and_a_long_tail(rates):
    assert 0.008 < rates[1].most_frequent_last_name < 0.03
    assert rates[1].distinct_last_names > 2_000


def test_a_good_share_of_the_buyers_has_lapsed(rates):
    assert 0.15 < rates[1].lapsed_buyers < 0.30


def test_no_two_people_share_all_keys_and_the_name(rates):
    assert [entry.indistinct_people for entry in rates.values()] == [0, 0, 0]
