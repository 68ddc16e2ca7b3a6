"""Searching HubSpot, with its official SDK where that can say it: order, filters, refusals."""

import pytest
from hubspot.crm.contacts import PublicObjectSearchRequest
from hubspot.crm.objects.feedback_submissions import (
    PublicObjectSearchRequest as ObjectSearchRequest,
)

OBJECTS = "/crm/v3/objects"


def search(contacts, **request):
    return contacts.search_api.do_search(
        public_object_search_request=PublicObjectSearchRequest(**request)
    )


def test_search_finds_what_changed_since_in_order(contacts, context):
    world = context.world
    expected = [key for key, _ in world.changed_since("hubspot.contacts", None)][-150:]
    since = world.tables["hubspot.contacts"][expected[0]]["updated_at"]
    request = {
        "filter_groups": [
            {
                "filters": [
                    {
                        "propertyName": "lastmodifieddate",
                        "operator": "GTE",
                        "value": str(int(since.timestamp() * 1000)),
                    }
                ]
            }
        ],
        "sorts": [{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}],
        "limit": 100,
    }
    first = search(contacts, **request)
    second = search(contacts, **request, after=first.paging.next.after)
    assert [row.id for row in first.results + second.results] == expected
    assert first.total == 150
    assert second.paging is None


@pytest.mark.parametrize(
    ("operator", "value", "holds"),
    [
        ("EQ", {"value": "france"}, lambda text: text == "France"),
        ("NEQ", {"value": "France"}, lambda text: text != "France"),
        ("IN", {"values": ["France", "Germany"]}, lambda text: text in ("France", "Germany")),
        ("HAS_PROPERTY", {}, lambda text: text is not None),
        ("NOT_HAS_PROPERTY", {}, lambda text: text is None),
    ],
)
def test_search_filters_by_text(http, context, operator, value, holds):
    body = {
        "filterGroups": [{"filters": [{"propertyName": "country", "operator": operator, **value}]}]
    }
    answer = http.post(f"{OBJECTS}/contacts/search", json=body).json()
    rows = context.world.tables["hubspot.contacts"].values()
    matching = [row for row in rows if holds(row["country"])]
    if operator == "EQ":
        matching = [row for row in rows if row["country"].lower() == "france"]
    if operator == "IN":
        matching = [row for row in rows if row["country"].lower() in ("france", "germany")]
    if operator == "NEQ":
        matching = [row for row in rows if row["country"].lower() != "france"]
    assert answer["total"] == len(matching)


def test_search_compares_numbers_as_numbers(http, context):
    body = {
        "filterGroups": [
            {
                "filters": [
                    {
                        "propertyName": "numberofemployees",
                        "operator": "BETWEEN",
                        "value": "9",
                        "highValue": "100",
                    }
                ]
            }
        ],
        "properties": ["numberofemployees"],
        "limit": 200,
    }
    answer = http.post(f"{OBJECTS}/companies/search", json=body).json()
    rows = context.world.tables["hubspot.companies"].values()
    assert answer["total"] == sum(9 <= row["numberofemployees"] <= 100 for row in rows) > 0


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"limit": 200, "after": "9900"},
        {"filterGroups": [{"filters": [{"propertyName": "nope", "operator": "HAS_PROPERTY"}]}]},
        {
            "filterGroups": [
                {"filters": [{"propertyName": "email", "operator": "LIKE", "value": "x"}]}
            ]
        },
        {"filterGroups": [{"filters": []}] * 7},
    ],
)
def test_search_refuses_what_hubspot_refuses(http, body):
    answer = http.post(f"{OBJECTS}/contacts/search", json=body)
    assert answer.status_code == 400
    assert answer.json()["category"] == "VALIDATION_ERROR"


def test_answers_to_a_survey_are_searched_by_the_time_of_their_change(answers, context):
    rows = context.world.changed_since("hubspot.feedback_submissions", None)
    since = rows[-5][1]["updated_at"]
    rule = {
        "propertyName": "hs_lastmodifieddate",
        "operator": "GTE",
        "value": str(round(since.timestamp() * 1000)),
    }
    found = answers.search_api.do_search(
        public_object_search_request=ObjectSearchRequest(
            filter_groups=[{"filters": [rule]}], properties=["hs_value", "hs_survey_type"], limit=10
        )
    )
    assert [row.id for row in found.results] == [key for key, _ in rows[-5:]]
    for row in found.results:
        document = context.world.tables["hubspot.feedback_submissions"][row.id]
        assert row.properties["hs_value"] == str(document["hs_value"])
        assert row.properties["hs_survey_type"] == document["hs_survey_type"]
        assert "hs_createdate" in row.properties
