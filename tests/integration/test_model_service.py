"""Tickets and answers to surveys in staging, on both engines."""

from datetime import UTC, datetime

from orchestration_assets.warehouse.scope import open_scope
from tests.support.model_world import ModelWorld

OPENED = datetime(2026, 2, 1, 9, 0, tzinfo=UTC)
MODELS = [
    "stg_scope__records",
    "stg_scope__readable_loads",
    "stg_hubspot__tickets",
    "stg_hubspot__feedback_submissions",
]


def linked(**ids: list[str]) -> dict:
    """Links as the connector reads them."""
    return {
        name: {"results": [{"id": key, "type": "t"} for key in keys]} for name, keys in ids.items()
    }


def test_a_ticket_and_an_answer_belong_to_the_first_contact_they_are_linked_to(
    either: ModelWorld,
) -> None:
    either.land(
        "hubspot",
        "tickets",
        {"id": "t1", "subject": "Broken", "hs_ticket_priority": "HIGH", "createdate": OPENED}
        | {"associations": linked(contacts=["7", "8"], companies=["c1"])},
        {"id": "t2", "subject": "Nobody", "associations": {}},
        {"id": "t3", "subject": "Nothing was read", "associations": None},
    )
    answer = {"id": "f1", "hs_survey_type": "NPS", "hs_value": 9, "hs_submission_timestamp": OPENED}
    either.land(
        "hubspot",
        "feedback_submissions",
        answer | {"hs_content": "Lovely", "associations": linked(contacts=["7"])},
    )
    open_scope(either.warehouse)
    either.build(MODELS)
    tickets = either.rows("select * from staging.stg_hubspot__tickets order by hubspot_ticket_id")
    assert [
        (row["subject"], row["hubspot_contact_id"], row["hubspot_company_id"]) for row in tickets
    ] == [("Broken", "7", "c1"), ("Nobody", None, None), ("Nothing was read", None, None)]
    assert (tickets[0]["priority"], tickets[0]["created_at"]) == ("HIGH", OPENED)
    [given] = either.rows("select * from staging.stg_hubspot__feedback_submissions")
    assert (given["hubspot_contact_id"], given["score"], given["comment"]) == ("7", 9, "Lovely")
    assert (given["survey_type"], given["submitted_at"]) == ("NPS", OPENED)


def test_a_ticket_that_is_closed_and_then_deleted_keeps_what_was_known_last(
    either: ModelWorld,
) -> None:
    ticket = {"id": "t1", "createdate": OPENED, "associations": linked(contacts=["7"])}
    either.land("hubspot", "tickets", ticket | {"hs_pipeline_stage": "1", "at": OPENED})
    open_scope(either.warehouse)
    either.build(MODELS)
    closed_at = OPENED.replace(day=3)
    either.land(
        "hubspot",
        "tickets",
        ticket | {"hs_pipeline_stage": "4", "closed_date": closed_at, "at": closed_at},
        {"id": "t1", "deleted": True, "at": OPENED.replace(day=9)},
    )
    open_scope(either.warehouse)
    either.build(MODELS)
    [row] = either.rows("select * from staging.stg_hubspot__tickets")
    assert (row["pipeline_stage"], row["closed_at"], row["is_deleted"]) == ("4", closed_at, True)
    assert (row["hubspot_contact_id"], row["source_at"]) == ("7", OPENED.replace(day=9))
