"""The vendor's own SDK knows every key that the connector sends and reads."""

from hubspot.crm.associations.v4 import models as associations
from hubspot.crm.contacts import models as contacts
from hubspot.crm.properties import models as properties

from orchestration_assets.connectors.hubspot.source import HubSpotSource
from orchestration_assets.connectors.hubspot.streams import STREAMS
from orchestration_assets.connectors.hubspot.writer import HubSpotContactsWriter
from orchestration_assets.model import OutgoingRow


def unknown_keys(model: type, body: dict) -> set[str]:
    return set(body) - set(model.attribute_map.values())


def bodies(account, path_end: str) -> list[dict]:
    return [body for path, body in account.bodies if path.endswith(path_end)]


def test_what_is_written_is_what_the_sdk_would_write(account) -> None:
    row = OutgoingRow("k", "p@example.com", {"accord_segment": "active"})
    HubSpotContactsWriter(account.connection).write([row], {})
    [upsert] = bodies(account, "/contacts/batch/upsert")
    assert not unknown_keys(contacts.BatchInputSimplePublicObjectBatchInputUpsert, upsert)
    assert not unknown_keys(contacts.SimplePublicObjectBatchInputUpsert, upsert["inputs"][0])
    [made] = bodies(account, "/properties/contacts")
    assert not unknown_keys(properties.PropertyCreate, made)
    properties.PropertyCreate(
        name=made["name"],
        label=made["label"],
        type=made["type"],
        field_type=made["fieldType"],
        group_name=made["groupName"],
    )


def test_what_is_asked_is_what_the_sdk_would_ask(account) -> None:
    hubspot = HubSpotSource(account.connection)
    for stream in STREAMS:
        *_, last = hubspot.read(stream, None)
        account.put(stream, 1, account.START)
        list(hubspot.read(stream, last.cursor))
    search = bodies(account, "/contacts/search")[0]
    assert not unknown_keys(contacts.PublicObjectSearchRequest, search)
    rule = search["filterGroups"][0]["filters"][0]
    assert not unknown_keys(contacts.Filter, rule)
    contacts.Filter(property_name=rule["propertyName"], operator=rule["operator"])
    read = bodies(account, "/contacts/batch/read")[0]
    assert not unknown_keys(contacts.BatchReadInputSimplePublicObjectId, read)
    for stream in ("deals", "tickets", "feedback_submissions"):
        links = bodies(account, f"/associations/{stream}/contacts/batch/read")[0]
        assert not unknown_keys(associations.BatchInputPublicFetchAssociationsBatchRequest, links)
