"""Reading HubSpot with its official SDK: lists, histories, links, refusals."""

import hubspot
import pytest
from hubspot.crm.contacts import BatchReadInputSimplePublicObjectId
from hubspot.crm.contacts.exceptions import ApiException, ForbiddenException, UnauthorizedException
from hubspot.crm.tickets.exceptions import ForbiddenException as TicketsException

from sandbox.context import SandboxContext
from sandbox.limits import TIERS
from sandbox.world.edits import CRM_USERS

OBJECTS = "/crm/v3/objects"


def all_contacts(contacts, **options) -> list:
    found, after = [], None
    while True:
        page = contacts.basic_api.get_page(limit=100, after=after, **options)
        found += page.results
        if page.paging is None:
            return found
        after = page.paging.next.after


def test_paging_lists_every_contact_once(contacts, context):
    found = all_contacts(contacts, properties=["email", "firstname"])
    assert [row.id for row in found] == context.world.sorted_ids("hubspot.contacts")
    row = context.world.tables["hubspot.contacts"][found[0].id]
    assert found[0].properties["email"] == row["email"]
    assert found[0].updated_at == row["updated_at"]


def test_all_values_are_text(http):
    page = http.get(
        f"{OBJECTS}/companies", params={"limit": 5, "properties": "numberofemployees,annualrevenue"}
    ).json()
    values = [value for row in page["results"] for value in row["properties"].values()]
    assert values
    assert all(isinstance(value, str) for value in values)


def test_a_page_holds_at_most_100_and_50_with_history(http):
    assert http.get(f"{OBJECTS}/contacts", params={"limit": 101}).status_code == 400
    history = {"limit": 51, "propertiesWithHistory": "hs_email_optout"}
    assert http.get(f"{OBJECTS}/contacts", params=history).status_code == 400


def test_archived_contacts_are_listed_on_demand_only(contacts, context):
    gone = context.world.sorted_ids("hubspot.contacts")[3]
    contacts.basic_api.archive(contact_id=gone)
    assert gone not in {row.id for row in all_contacts(contacts)}
    archived = all_contacts(contacts, archived=True)
    assert [row.id for row in archived] == [gone]
    assert archived[0].archived_at is not None
    with pytest.raises(ApiException) as raised:
        contacts.basic_api.get_by_id(contact_id=gone)
    assert raised.value.status == 404


def test_consent_comes_with_its_history(contacts, context):
    rows = context.world.tables["hubspot.contacts"].items()
    key, row = next(
        item
        for item in rows
        if len(item[1]["properties_with_history"].get("hs_email_optout", [])) == 2
    )
    found = contacts.basic_api.get_by_id(
        contact_id=key, properties_with_history=["hs_email_optout", "hs_legal_basis"]
    )
    history = found.properties_with_history["hs_email_optout"]
    assert [entry.value for entry in history] == ["false", "true"]
    assert history[0].timestamp == row["properties_with_history"]["hs_email_optout"][0][1]
    assert found.properties["hs_email_optout"] == "false"


def test_an_edit_by_hand_names_its_user_and_what_came_with_the_contact_its_source(
    contacts, context
):
    key, row = next(
        item
        for item in context.world.tables["hubspot.contacts"].items()
        if len(item[1]["properties_with_history"].get("lifecyclestage", [])) == 2
    )
    found = contacts.basic_api.get_by_id(
        contact_id=key, properties_with_history=["lifecyclestage", "lastname"]
    )
    newest, first = found.properties_with_history["lifecyclestage"]
    assert newest.value == found.properties["lifecyclestage"] == row["lifecyclestage"]
    assert newest.source_type == "CRM_UI"
    assert newest.source_id == f"userId:{newest.updated_by_user_id}"
    assert newest.updated_by_user_id in CRM_USERS
    assert first.value != newest.value
    assert first.source_type in {"INTEGRATION", "IMPORT", "FORM"}
    assert first.updated_by_user_id is None
    [only] = found.properties_with_history["lastname"]
    assert (only.value, only.timestamp) == (row["lastname"], row["created_at"])


def test_batch_read_names_what_it_did_not_find(contacts, context):
    ids = context.world.sorted_ids("hubspot.contacts")[:2]
    answer = contacts.batch_api.read(
        batch_read_input_simple_public_object_id=BatchReadInputSimplePublicObjectId(
            inputs=[{"id": key} for key in [*ids, "1"]],
            properties=["email"],
            properties_with_history=[],
        )
    )
    assert [row.id for row in answer.results] == ids
    assert answer.errors[0].context["ids"] == ["1"]


def test_deals_come_with_their_contacts(http, context):
    page = http.get(f"{OBJECTS}/deals", params={"limit": 3, "associations": "contacts"}).json()
    for row in page["results"]:
        contact = context.world.tables["hubspot.deals"][row["id"]]["associations"][0]
        assert row["associations"]["contacts"]["results"] == [
            {"id": contact, "type": "deal_to_contact"}
        ]
    ids = [{"id": row["id"]} for row in page["results"]]
    links = http.post("/crm/v4/associations/deals/contacts/batch/read", json={"inputs": ids})
    assert links.status_code == 200
    assert len(links.json()["results"]) == 3


def test_tickets_come_with_their_contacts_and_companies(tickets, context):
    documents = context.world.tables["hubspot.tickets"]
    page = tickets.basic_api.get_page(
        limit=100, properties=["subject", "source_type"], associations=["contacts", "companies"]
    )
    assert [row.id for row in page.results] == context.world.sorted_ids("hubspot.tickets")[:100]
    companies = 0
    for row in page.results:
        document = documents[row.id]
        assert row.properties["subject"] == document["subject"]
        linked = {
            name: [one.id for one in entry.results] for name, entry in row.associations.items()
        }
        assert linked.pop("contacts") == document["associations"]
        company = document["associatedcompanyid"]
        assert linked == ({"companies": [company]} if company else {})
        companies += len(linked)
    assert companies


def test_archived_tickets_are_listed_on_demand_only(tickets, context):
    gone = context.world.sorted_ids("hubspot.tickets")[0]
    tickets.basic_api.archive(ticket_id=gone)
    assert gone not in {row.id for row in tickets.basic_api.get_page(limit=100).results}
    assert [row.id for row in tickets.basic_api.get_page(archived=True).results] == [gone]


def test_answers_to_a_survey_can_be_read_but_not_written(http, context):
    before = len(context.world.tables["hubspot.feedback_submissions"])
    key = context.world.sorted_ids("hubspot.feedback_submissions")[0]
    body = {"properties": {"hs_value": "10"}}
    path = f"{OBJECTS}/feedback_submissions"
    for answer in (
        http.post(path, json=body),
        http.patch(f"{path}/{key}", json=body),
        http.delete(f"{path}/{key}"),
        http.post(f"{path}/batch/update", json={"inputs": [{"id": key, **body}]}),
    ):
        assert answer.status_code == 405
        assert answer.json()["category"] == "METHOD_NOT_ALLOWED"
    read = http.post(f"{path}/batch/read", json={"inputs": [{"id": key}], "properties": []})
    assert read.json()["results"][0]["id"] == key
    assert len(context.world.tables["hubspot.feedback_submissions"]) == before
    assert context.world.tables["hubspot.feedback_submissions"][key]["archived_at"] is None


def test_the_dated_path_answers_the_same(http):
    old, new = (
        http.get(f"{path}/contacts", params={"limit": 3}).json()["results"]
        for path in (OBJECTS, "/crm/objects/2026-03")
    )
    assert old == new


def test_a_wrong_token_is_refused(base_url):
    client = hubspot.Client.create(access_token="wrong", host=base_url, retry=False)
    with pytest.raises(UnauthorizedException) as raised:
        client.crm.contacts.basic_api.get_page(limit=1)
    assert raised.value.status == 401
    assert "INVALID_AUTHENTICATION" in raised.value.body


def test_a_token_without_the_scope_may_read_but_not_write(base_url, context):
    token = context.token("hubspot") + "-read-only"
    client = hubspot.Client.create(access_token=token, host=base_url, retry=False)
    assert client.crm.contacts.basic_api.get_page(limit=1).results
    with pytest.raises(ForbiddenException) as raised:
        client.crm.contacts.basic_api.create(
            simple_public_object_input_for_create={"properties": {"email": "a@example.org"}}
        )
    assert "crm.objects.contacts.write" in raised.value.body


def test_a_token_without_the_scope_of_a_type_reads_the_others(base_url, context):
    token = context.token("hubspot") + "-without-tickets"
    client = hubspot.Client.create(access_token=token, host=base_url, retry=False)
    assert client.crm.contacts.basic_api.get_page(limit=1).results
    with pytest.raises(TicketsException) as raised:
        client.crm.tickets.basic_api.get_page(limit=1)
    assert raised.value.status == 403
    assert "crm.objects.tickets.read" in raised.value.body


class TestUnderARateLimit:
    @pytest.fixture
    def context(self, context) -> SandboxContext:
        context.tier = TIERS["tight"]
        return context

    def test_calls_past_the_limit_get_hubspots_429(self, http):
        answers = [http.get(f"{OBJECTS}/contacts", params={"limit": 1}) for _ in range(25)]
        assert [answer.status_code for answer in answers] == [200] * 20 + [429] * 5
        body, headers = answers[-1].json(), answers[-1].headers
        assert body["policyName"] == "TEN_SECONDLY_ROLLING"
        assert body["category"] == "RATE_LIMITS"
        assert headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"


def test_a_batch_read_tells_the_living_and_the_archived_apart(http, context):
    first, second = sorted(key for key, _ in context.world.live("hubspot.companies"))[:2]
    context.world.archive("hubspot.companies", second)
    body = {"inputs": [{"id": first}, {"id": second}], "properties": ["name"]}
    path = f"{OBJECTS}/companies/batch/read"
    for archived, present, absent in (("false", first, second), ("true", second, first)):
        answer = http.post(path, params={"archived": archived}, json=body)
        assert answer.status_code == 207
        [row] = answer.json()["results"]
        assert (row["id"], "archivedAt" in row) == (present, archived == "true")
        assert [error["context"]["ids"] for error in answer.json()["errors"]] == [[absent]]


@pytest.mark.parametrize("key", ["abc", "", "9" * 25])
def test_a_batch_read_is_refused_whole_for_what_is_no_identifier(http, context, key):
    known, *_ = (key for key, _ in context.world.live("hubspot.companies"))
    body = {"inputs": [{"id": known}, {"id": key}], "properties": ["name"]}
    answer = http.post(f"{OBJECTS}/companies/batch/read", json=body)
    assert answer.status_code == 400
    assert answer.json()["category"] == "VALIDATION_ERROR"
