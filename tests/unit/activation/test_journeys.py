"""Journeys are read from their declarations; where something is missing, they are refused."""

from pathlib import Path

import pytest

from orchestration_assets.activation.journeys import Cap, Holdout, read_journeys
from orchestration_assets.errors import FatalError


def test_the_declared_journeys_are_read_in_order_of_priority(repository: Path) -> None:
    journeys = read_journeys(repository / "dbt_project" / "models" / "marts" / "journeys")
    assert list(journeys)[:3] == [
        "jrn_abandoned_cart_email",
        "jrn_lapsed_winback_email",
        "jrn_customer_value_crm",
    ]
    cart = journeys["jrn_abandoned_cart_email"]
    assert (cart.cap, cart.holdout) == (Cap(2, 7), Holdout(0.05, "abandoned-cart"))
    assert (cart.live, cart.unhashed) == (True, ("updated_at",))
    winback = journeys["jrn_lapsed_winback_email"]
    assert (winback.destination, winback.object_name) == ("klaviyo", "profiles")
    assert winback.options["list_name"] == "Accord: lapsed customers"
    assert winback.owner == "marketing"
    assert (winback.cap, winback.holdout, winback.live, winback.unhashed) == (None, None, False, ())


def test_a_journey_without_a_purpose_is_refused(tmp_path: Path) -> None:
    text = "models: [{name: jrn_x, config: {meta: {journey: {destination: shop}}}}]"
    (tmp_path / "jrn_x.yml").write_text(text)
    with pytest.raises(FatalError, match=r"jrn_x in jrn_x\.yml lacks object, purpose"):
        read_journeys(tmp_path)
    (tmp_path / "jrn_x.yml").write_text("models: [{name: other}]")
    assert read_journeys(tmp_path) == {}


BLOCK = (
    "destination: shop, object: people, purpose: marketing, channel: email, target_key: email, "
    "payload: {email: email, value: value}"
)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("cap: {sends: 0, days: 7}", r"cap\.sends is 0"),
        ("cap: {sends: 2, days: 1.5}", r"cap\.days is 1\.5"),
        ("cap: {sends: true, days: 7}", r"cap\.sends is True"),
        ("cap: {sends: 2}", "cap is .* exactly sends and days"),
        ("cap: 2", "cap is 2; it must have exactly sends and days"),
        ("caps: {sends: 2, days: 7}", "caps is not known"),
        ("holdout: {share: 1, salt: a}", r"holdout\.share is 1"),
        ("holdout: {share: 5.0, salt: a}", r"holdout\.share is 5\.0"),
        ("holdout: {share: 0.1, salt: ''}", r"holdout\.salt is ''"),
        ("holdout: {share: 0.1, salt: a, seed: 1}", "holdout is .* exactly share and salt"),
        ("live: 1", "live is 1"),
        ("live: true", r"live needs `config\.meta\.scope`"),
        ("unhashed: value", "unhashed is 'value'"),
        ("unhashed: [city]", "unhashed names 'city'"),
        ("unhashed: [value, email]", "unhashed names the whole payload"),
    ],
)
def test_a_wrong_key_is_refused_by_name(tmp_path: Path, said: str, message: str) -> None:
    journey = f"{{{BLOCK}, {said}}}"
    text = f"models: [{{name: jrn_x, config: {{meta: {{journey: {journey}}}}}}}]"
    (tmp_path / "jrn_x.yml").write_text(text)
    with pytest.raises(FatalError, match=rf"jrn_x in jrn_x\.yml: {message}"):
        read_journeys(tmp_path)
