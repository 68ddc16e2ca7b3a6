"""What was so when: periods of consent, of belonging to a customer, and changes made by hand."""

from datetime import UTC, datetime

from orchestration_assets.warehouse.released_history import read_as_of
from tests.support.model_world import ModelWorld


def day(month: int, number: int = 1) -> datetime:
    return datetime(2025, month, number, tzinfo=UTC)


def shopper(state: str, since: datetime, at: datetime, **changes) -> dict:
    said = {"email_marketing_state": state, "email_marketing_updated_at": since, "at": at}
    return {"id": "71", "email": "ann@example.com", "first_name": "Ann"} | said | changes


def periods(world: ModelWorld, channel: str = "email") -> list[tuple]:
    rows = world.rows(
        "select status, valid_from, valid_to, is_current from core.fct_consents_history"
        f" where channel = '{channel}' order by valid_from"
    )
    return [
        (
            r["status"],
            r["valid_from"].astimezone(UTC),
            r["valid_to"] and r["valid_to"].astimezone(UTC),
        )
        for r in rows
        if r["is_current"] == (r["valid_to"] is None)
    ]


def test_statements_that_come_late_find_their_place_in_the_history(either: ModelWorld) -> None:
    either.land("shopify", "customers", shopper("SUBSCRIBED", day(1), day(1, 2)))
    either.land("shopify", "customers", shopper("SUBSCRIBED", day(6), day(6, 2)))
    either.refresh()
    either.release()
    assert periods(either) == [("granted", day(1), None)]
    either.land("shopify", "customers", shopper("UNSUBSCRIBED", day(3), day(3, 2)))
    either.refresh()
    either.release()
    assert periods(either) == [
        ("granted", day(1), day(3)),
        ("withdrawn", day(3), day(6)),
        ("granted", day(6), None),
    ]
    deleted = {"id": "71", "deleted": True, "at": day(9)}
    either.land("shopify", "customers", deleted)
    either.refresh()
    assert periods(either)[-1] == ("granted", day(6), day(9))
    incremental = either.core()
    either.refresh(full=True, tests=False)
    assert either.core() == incremental


def test_a_withdrawal_on_another_record_counts_for_the_customer_while_it_stands(
    duck: ModelWorld,
) -> None:
    duck.land("shopify", "customers", shopper("SUBSCRIBED", day(1), day(1, 2)))
    history = [
        {"value": "false", "timestamp": "2025-04-01T00:00:00Z"},
        {"value": "true", "timestamp": "2025-02-01T00:00:00Z"},
    ]
    duck.land(
        "hubspot",
        "contacts",
        {"id": "h1", "email": "ann@example.com", "firstname": "Ann", "hs_email_optout": False}
        | {"properties_with_history": {"hs_email_optout": history}, "at": day(5)},
    )
    suppressed = [{"reason": "HARD_BOUNCE", "timestamp": "2025-06-01T00:00:00Z"}]
    profile = {"id": "k1", "email": "ann@example.com", "first_name": "Ann"}
    said = {"email_consent": "SUBSCRIBED", "email_consent_at": day(1)}
    duck.land("klaviyo", "profiles", profile | said | {"at": day(1, 2)})
    duck.land(
        "klaviyo", "profiles", profile | said | {"email_suppressed": suppressed, "at": day(6, 3)}
    )
    duck.land("klaviyo", "profiles", profile | said | {"at": day(7)})
    results = duck.refresh() and duck.stages
    assert periods(duck) == [
        ("granted", day(1), day(2)),
        ("withdrawn", day(2), day(4)),
        ("granted", day(4), day(6)),
        ("withdrawn", day(6), day(7)),
        ("granted", day(7), None),
    ]
    agree = [n for n in results[-1].nodes if "current_rows_agree_with" in n.unique_id]
    assert [(n.status, n.failures) for n in agree] == [("pass", 0)]


def test_a_merge_and_a_split_are_periods_of_the_record_that_moved(either: ModelWorld) -> None:
    either.land("hubspot", "contacts", {"id": "h1", "email": "ann@x.org", "firstname": "Ann"})
    phone = {"id": "k1", "first_name": "Ann", "phone_number": "+33640112233"}
    either.land("klaviyo", "profiles", phone)
    either.refresh()
    either.release()
    apart = either.customer_of()
    bridge = {"id": "h2", "email": "ann@x.org", "firstname": "Ann", "phone": "0640112233"}
    either.land("hubspot", "contacts", bridge)
    either.refresh()
    either.release()
    either.land("hubspot", "contacts", bridge | {"phone": None})
    either.refresh()
    found = either.rows(
        "select customer_id, valid_from, valid_to from core.dim_customer_identities_history"
        " where record_id = 'k1' order by valid_from"
    )
    hers, anns = apart["klaviyo", "k1"], apart["hubspot", "h1"]
    assert [row["customer_id"] for row in found] == [hers, anns, hers]
    assert [row["valid_to"] for row in found[:2]] == [row["valid_from"] for row in found[1:]]
    assert found[2]["valid_to"] is None
    still = either.rows(
        "select * from core.dim_customer_identities_history where record_id <> 'k1'"
    )
    assert {row["record_id"]: row["is_current"] for row in still} == {"h1": True, "h2": True}
    incremental = either.core()
    either.refresh(full=True, tests=False)
    assert either.core() == incremental


def edited(value: str, at: str, source: str, **who) -> dict:
    return {"value": value, "timestamp": at, "sourceType": source} | who


def test_changes_by_hand_move_with_their_contact_and_hold_no_value(either: ModelWorld) -> None:
    phones = [
        edited("+33699999999", "2025-03-05T00:00:00Z", "INTEGRATION"),
        edited("+33611111111", "2025-03-01T00:00:00Z", "CRM_UI", updatedByUserId=77),
    ]
    contact = {"id": "h1", "firstname": "Ann", "properties_with_history": {"phone": phones[1:]}}
    either.land("hubspot", "contacts", contact)
    either.refresh()
    either.release()
    query = "select * from core.fct_manual_operations"
    (first,) = either.rows(query)
    assert (first["crm_user_id"], first["was_corrected"], first["corrected_by"]) == (
        "77",
        False,
        None,
    )
    # The CRM corrects it, and an older record of the same person comes to be known.
    either.land("shopify", "customers", shopper("SUBSCRIBED", day(1), day(1, 2)))
    either.refresh()
    either.release()
    corrected = contact | {"email": "ann@example.com", "properties_with_history": {"phone": phones}}
    either.land("hubspot", "contacts", corrected)
    either.refresh()
    (second,) = either.rows(query)
    assert second["customer_id"] == either.customer_of()["shopify", "71"]
    assert (second["was_corrected"], second["corrected_by"]) == (True, "integration")
    assert "336" not in str(second)


def test_the_model_can_be_read_as_it_was_released(duck: ModelWorld) -> None:
    duck.land("hubspot", "contacts", {"id": "h1", "email": "ann@x.org", "firstname": "Ann"})
    duck.refresh(tests=False)
    duck.release(at=day(1))
    duck.land("hubspot", "contacts", {"id": "h1", "email": "ann@x.org", "firstname": "Anna"})
    duck.refresh(tests=False)
    duck.release(at=day(2))
    with duck.warehouse.reader() as session:
        names = [
            read_as_of(session, "dim_customers", at)["first_name"].to_pylist()
            for at in (day(1, 15), day(2))
        ]
    assert names == [["Ann"], ["Anna"]]
