"""Writing to HubSpot with its official SDK: every row gets its own answer."""

import pytest
from hubspot.crm.contacts import BatchInputSimplePublicObjectBatchInputUpsert
from hubspot.crm.contacts.exceptions import ApiException

from sandbox.faults import Profile

UPSERT = "/crm/v3/objects/contacts/batch/upsert"
PROPERTIES = "/crm/v3/properties/contacts"
DEFINITION = {
    "name": "accord_segment",
    "label": "Segment",
    "type": "string",
    "fieldType": "text",
    "groupName": "contactinformation",
}


def row(email: str, trace: str = "t", **properties: object) -> dict:
    return {
        "id": email,
        "idProperty": "email",
        "objectWriteTraceId": trace,
        "properties": properties or {"firstname": "Ada"},
    }


def known_email(context) -> tuple[str, str]:
    """A contact whose address nobody else has and which HubSpot accepts."""
    world = context.world
    for key in world.sorted_ids("hubspot.contacts"):
        email = world.tables["hubspot.contacts"][key]["email"]
        is_plain = email and email == email.strip().lower() and "@" in email and ".con" not in email
        if is_plain and world.find("hubspot.contacts", "email", email) == [key]:
            return key, email
    raise AssertionError("no such contact")


def test_upsert_updates_the_known_and_creates_the_unknown(contacts, context):
    key, email = known_email(context)
    inputs = [
        row(email.upper(), "a", firstname="Ada"),
        row("new@example.org", "b", lastname="Byron"),
    ]
    answer = contacts.batch_api.upsert(
        batch_input_simple_public_object_batch_input_upsert=BatchInputSimplePublicObjectBatchInputUpsert(
            inputs=inputs
        )
    )
    assert [(item.new, item.object_write_trace_id) for item in answer.results] == [
        (False, "a"),
        (True, "b"),
    ]
    assert answer.results[0].id == key
    assert context.world.tables["hubspot.contacts"][key]["firstname"] == "Ada"
    created = context.world.tables["hubspot.contacts"][answer.results[1].id]
    assert (created["email"], created["lastname"]) == ("new@example.org", "Byron")


def test_undeliverable_addresses_fail_alone(http, context):
    inputs = [
        row("ok@example.org", "good"),
        row("bad@gmial.con", "bad"),
        row("no-at-sign", "worse"),
    ]
    answer = http.post(UPSERT, json={"inputs": inputs})
    body = answer.json()
    assert answer.status_code == 207
    assert [item["objectWriteTraceId"] for item in body["results"]] == ["good"]
    assert body["numErrors"] == 2
    assert [error["context"]["objectWriteTraceId"] for error in body["errors"]] == [
        ["bad"],
        ["worse"],
    ]
    assert {error["errors"][0]["code"] for error in body["errors"]} == {"INVALID_EMAIL"}
    accepted = context.request_log.writes[-1]
    assert [item["objectWriteTraceId"] for item in accepted["rows"]] == ["good"]


def test_an_unknown_property_refuses_the_whole_batch(http, context):
    inputs = [row("one@example.org"), row("two@example.org", accord_segment="new")]
    answer = http.post(UPSERT, json={"inputs": inputs})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "PROPERTY_DOESNT_EXIST"
    assert context.world.find("hubspot.contacts", "email", "one@example.org") == []


def test_a_property_is_made_once_and_can_then_be_written(http, context):
    assert http.post(PROPERTIES, json=DEFINITION).status_code == 201
    assert http.post(PROPERTIES, json=DEFINITION).status_code == 409
    assert "accord_segment" in {item["name"] for item in http.get(PROPERTIES).json()["results"]}
    answer = http.post(UPSERT, json={"inputs": [row("two@example.org", accord_segment="new")]})
    assert answer.status_code == 200
    key = answer.json()["results"][0]["id"]
    read = http.get(f"/crm/v3/objects/contacts/{key}", params={"properties": "accord_segment"})
    assert read.json()["properties"]["accord_segment"] == "new"


def test_a_number_must_be_a_number(http):
    http.post(PROPERTIES, json={**DEFINITION, "name": "accord_value", "type": "number"})
    inputs = [
        row("one@example.org", accord_value="12,50 EUR"),
        row("two@example.org", accord_value=12.5),
    ]
    answer = http.post(UPSERT, json={"inputs": inputs})
    assert answer.status_code == 207
    assert len(answer.json()["results"]) == 1


@pytest.mark.parametrize(
    "inputs",
    [
        [row(f"p{number}@example.org") for number in range(101)],
        [row("same@example.org"), row("SAME@example.org")],
        [{"id": "a@example.org", "properties": {}}],
        [{**row("a@example.org"), "idProperty": "firstname"}],
        [],
    ],
)
def test_batches_that_hubspot_refuses_change_nothing(http, context, inputs):
    answer = http.post(UPSERT, json={"inputs": inputs})
    assert answer.status_code == 400
    assert not context.request_log.writes


def test_creating_a_contact_twice_is_a_conflict(contacts, context):
    _, email = known_email(context)
    with pytest.raises(ApiException) as raised:
        contacts.basic_api.create(
            simple_public_object_input_for_create={"properties": {"email": email}}
        )
    assert raised.value.status == 409


def test_writing_consent_adds_to_its_history(contacts, context):
    key, _ = known_email(context)
    contacts.basic_api.update(
        contact_id=key, simple_public_object_input={"properties": {"hs_email_optout": "true"}}
    )
    contacts.basic_api.update(
        contact_id=key, simple_public_object_input={"properties": {"hs_email_optout": "false"}}
    )
    found = contacts.basic_api.get_by_id(
        contact_id=key, properties_with_history=["hs_email_optout"]
    )
    latest = found.properties_with_history["hs_email_optout"][:2]
    assert [entry.value for entry in latest] == ["false", "true"]
    assert latest[0].source_type == "INTEGRATION"


def test_writing_a_phone_adds_to_its_history_and_writing_it_again_does_not(contacts, context):
    key, _ = known_email(context)
    for _ in range(2):
        contacts.basic_api.update(
            contact_id=key, simple_public_object_input={"properties": {"phone": "+33640112233"}}
        )
    found = contacts.basic_api.get_by_id(contact_id=key, properties_with_history=["phone"])
    newest, *before = found.properties_with_history["phone"]
    assert (newest.value, newest.source_type) == ("+33640112233", "INTEGRATION")
    assert "+33640112233" not in [entry.value for entry in before]


def test_archiving_a_batch_takes_the_contacts_out(http, context):
    ids = context.world.sorted_ids("hubspot.contacts")[:3]
    body = {"inputs": [{"id": key} for key in ids]}
    assert http.post("/crm/v3/objects/contacts/batch/archive", json=body).status_code == 204
    read = http.post("/crm/v3/objects/contacts/batch/read", json=body)
    assert read.status_code == 207
    assert read.json()["results"] == []


def test_under_partial_failures_a_share_of_the_rows_is_refused(http, context):
    context.faults.set("hubspot", Profile.PARTIAL_FAILURES, 0.25)
    inputs = [row(f"p{number}@example.org", str(number)) for number in range(8)]
    body = http.post(UPSERT, json={"inputs": inputs}).json()
    assert body["numErrors"] == 2
    assert len(body["results"]) == 6
