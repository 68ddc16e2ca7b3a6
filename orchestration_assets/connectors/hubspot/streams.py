"""Contracts of the HubSpot streams. Records are CRM objects as `/crm/v3/objects` answers them."""

from collections.abc import Mapping
from dataclasses import dataclass

from orchestration_assets.model import Field, Kind, PersonalData, Stream

SYSTEM = "hubspot"
OWN_PREFIX = "accord_"

_ENVELOPE = frozenset({"id", "createdAt", "updatedAt", "archived", "archivedAt", "url"})


@dataclass(frozen=True, slots=True)
class ObjectType:
    """How HubSpot names and serves the objects of one stream.

    Args:
        stream: name of the stream, also the object type in HubSpot's paths.
        modified: property that holds the time of the last change; search filters on it.
        history: properties read with every value they have had.
        associations: object types whose links are read with the record, with the name HubSpot
            gives the plain link.
    """

    stream: str
    modified: str
    history: tuple[str, ...] = ()
    associations: Mapping[str, str] | None = None


OBJECT_TYPES: Mapping[str, ObjectType] = {
    "contacts": ObjectType(
        "contacts",
        "lastmodifieddate",
        history=(
            "email",
            "phone",
            "firstname",
            "lastname",
            "lifecyclestage",
            "hs_email_optout",
            "hs_legal_basis",
        ),
    ),
    "companies": ObjectType("companies", "hs_lastmodifieddate"),
    "deals": ObjectType(
        "deals",
        "hs_lastmodifieddate",
        associations={"contacts": "deal_to_contact", "companies": "deal_to_company"},
    ),
    "tickets": ObjectType(
        "tickets",
        "hs_lastmodifieddate",
        associations={"contacts": "ticket_to_contact", "companies": "ticket_to_company"},
    ),
    "feedback_submissions": ObjectType(
        "feedback_submissions",
        "hs_lastmodifieddate",
        associations={"contacts": "feedback_submission_to_contact"},
    ),
}


def _property(
    name: str, kind: Kind = Kind.STRING, personal_data: PersonalData = PersonalData.NONE
) -> Field:
    return Field(name, f"properties.{name}", kind, personal_data=personal_data)


def _stream(
    name: str, description: str, fields: tuple[Field, ...], *, feeds_identity: bool = False
) -> Stream:
    return Stream(
        system=SYSTEM,
        name=name,
        description=description,
        record_id="id",
        source_at="updatedAt",
        fields=fields,
        known=_ENVELOPE | {"properties.hs_object_id"},
        volatile=frozenset(
            {
                "updatedAt",
                "archivedAt",
                f"properties.{OBJECT_TYPES[name].modified}",
                f"properties.{OWN_PREFIX}*",
            }
        ),
        feeds_identity=feeds_identity,
    )


_CONTACT = PersonalData.CONTACT
_PROFILE = PersonalData.PROFILE

STREAMS: Mapping[str, Stream] = {
    "contacts": _stream(
        "contacts",
        "One row for each HubSpot contact and version of it.",
        (
            _property("email", personal_data=_CONTACT),
            _property("firstname", personal_data=PersonalData.IDENTIFIER),
            _property("lastname", personal_data=PersonalData.IDENTIFIER),
            _property("phone", personal_data=_CONTACT),
            _property("mobilephone", personal_data=_CONTACT),
            _property("company", personal_data=_PROFILE),
            _property("jobtitle", personal_data=_PROFILE),
            _property("address", personal_data=_CONTACT),
            _property("city", personal_data=_PROFILE),
            _property("zip", personal_data=_PROFILE),
            _property("country", personal_data=_PROFILE),
            _property("lifecyclestage", personal_data=_PROFILE),
            _property("hs_email_optout", Kind.BOOLEAN, _PROFILE),
            _property("hs_legal_basis", personal_data=_PROFILE),
            _property("shopify_customer_id", personal_data=PersonalData.IDENTIFIER),
            _property("associatedcompanyid"),
            _property("createdate", Kind.TIMESTAMP),
            _property("lastmodifieddate", Kind.TIMESTAMP),
            Field(
                "properties_with_history",
                "propertiesWithHistory",
                Kind.JSON,
                personal_data=_CONTACT,
            ),
        ),
        feeds_identity=True,
    ),
    "companies": _stream(
        "companies",
        "One row for each HubSpot company and version of it.",
        (
            _property("name"),
            _property("domain"),
            _property("industry"),
            _property("city"),
            _property("country"),
            _property("numberofemployees", Kind.INTEGER),
            _property("annualrevenue", Kind.DECIMAL),
            _property("createdate", Kind.TIMESTAMP),
            _property("hs_lastmodifieddate", Kind.TIMESTAMP),
        ),
    ),
    "deals": _stream(
        "deals",
        "One row for each HubSpot deal and version of it.",
        (
            _property("dealname"),
            _property("amount", Kind.DECIMAL),
            _property("deal_currency_code"),
            _property("dealstage"),
            _property("pipeline"),
            _property("closedate", Kind.TIMESTAMP),
            _property("createdate", Kind.TIMESTAMP),
            _property("hs_lastmodifieddate", Kind.TIMESTAMP),
            Field("associations", "associations", Kind.JSON),
        ),
    ),
    "tickets": _stream(
        "tickets",
        "One row for each HubSpot ticket and version of it.",
        (
            _property("subject", personal_data=_CONTACT),
            _property("hs_pipeline"),
            _property("hs_pipeline_stage"),
            _property("hs_ticket_priority"),
            _property("hs_ticket_category"),
            _property("source_type"),
            _property("closed_date", Kind.TIMESTAMP),
            _property("createdate", Kind.TIMESTAMP),
            _property("hs_lastmodifieddate", Kind.TIMESTAMP),
            Field("associations", "associations", Kind.JSON),
        ),
    ),
    "feedback_submissions": _stream(
        "feedback_submissions",
        "One row for each answer to a HubSpot survey and version of it.",
        (
            _property("hs_survey_name"),
            _property("hs_survey_type"),
            _property("hs_survey_channel"),
            _property("hs_value", Kind.INTEGER, PersonalData.BEHAVIOUR),
            _property("hs_content", personal_data=_CONTACT),
            _property("hs_submission_timestamp", Kind.TIMESTAMP),
            _property("hs_createdate", Kind.TIMESTAMP),
            _property("hs_lastmodifieddate", Kind.TIMESTAMP),
            Field("associations", "associations", Kind.JSON),
        ),
    ),
}


def requested_properties(stream: str) -> list[str]:
    """Names of the properties that the contract of a stream needs, in its order."""
    prefix = "properties."
    return [
        field.path.removeprefix(prefix)
        for field in STREAMS[stream].fields
        if field.path.startswith(prefix)
    ]
