"""Object types and their properties: what HubSpot has from the start and what was created."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.hubspot.errors import HubSpotError, invalid

FIELD_TYPES = {
    "string": "text",
    "number": "number",
    "date": "date",
    "datetime": "date",
    "bool": "booleancheckbox",
    "enumeration": "select",
}


@dataclass(frozen=True, slots=True)
class Property:
    """One property of an object type."""

    name: str
    label: str
    type: str = "string"
    group: str = "contactinformation"
    options: tuple[str, ...] = ()
    is_unique: bool = False
    is_own: bool = True

    def definition(self) -> dict[str, Any]:
        """As `/crm/v3/properties` answers it."""
        return {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": FIELD_TYPES.get(self.type, "text"),
            "description": "",
            "groupName": self.group,
            "options": [
                {"label": option, "value": option, "displayOrder": place, "hidden": False}
                for place, option in enumerate(self.options)
            ],
            "displayOrder": -1,
            "calculated": False,
            "externalOptions": False,
            "hasUniqueValue": self.is_unique,
            "hidden": False,
            "hubspotDefined": not self.is_own,
            "formField": False,
            "archived": False,
            "modificationMetadata": {
                "archivable": self.is_own,
                "readOnlyDefinition": not self.is_own,
                "readOnlyValue": self.name in READ_ONLY,
            },
        }


READ_ONLY = frozenset(
    {"hs_object_id", "lastmodifieddate", "hs_lastmodifieddate", "createdate", "hs_createdate"}
)
_CONTACTS = (
    "email firstname lastname phone mobilephone company jobtitle address city zip country "
    "lifecyclestage hs_email_optout:bool hs_legal_basis:enumeration associatedcompanyid:number "
    "createdate:datetime lastmodifieddate:datetime hs_object_id:number shopify_customer_id"
)
_COMPANIES = (
    "name domain industry city country numberofemployees:number annualrevenue:number "
    "createdate:datetime hs_lastmodifieddate:datetime hs_object_id:number"
)
_DEALS = (
    "dealname amount:number deal_currency_code dealstage pipeline closedate:datetime "
    "createdate:datetime hs_lastmodifieddate:datetime hs_object_id:number"
)
_TICKETS = (
    "subject content hs_pipeline hs_pipeline_stage hs_ticket_priority:enumeration "
    "hs_ticket_category:enumeration source_type:enumeration closed_date:datetime "
    "createdate:datetime hs_lastmodifieddate:datetime hs_object_id:number"
)
_FEEDBACK = (
    "hs_survey_name hs_survey_type:enumeration hs_survey_channel:enumeration hs_value:number "
    "hs_content hs_submission_timestamp:datetime hs_createdate:datetime "
    "hs_lastmodifieddate:datetime hs_object_id:number"
)
_UNIQUE = frozenset({"email", "hs_object_id"})
_CUSTOM = frozenset({"shopify_customer_id"})


def _standard(words: str) -> dict[str, Property]:
    made = {}
    for word in words.split():
        name, _, kind = word.partition(":")
        made[name] = Property(
            name, name, kind or "string", is_unique=name in _UNIQUE, is_own=name in _CUSTOM
        )
    return made


@dataclass
class ObjectType:
    """One object type and its properties.

    Args:
        name: plural name in the paths.
        singular: name in messages.
        modified: property of the last change.
        default: properties of an answer when none are asked for.
        properties: by name; grows as properties are created.
        links: associated type to the name of the plain link.
        is_read_only: true where HubSpot makes the objects itself and takes none.
    """

    name: str
    singular: str
    modified: str
    default: tuple[str, ...]
    properties: dict[str, Property]
    links: Mapping[str, str] = field(default_factory=dict)
    is_read_only: bool = False

    @property
    def table(self) -> str:
        """The world's table."""
        return f"hubspot.{self.name}"

    def create_property(self, body: Mapping[str, Any]) -> Property:
        """Add a property of one's own.

        Raises:
            HubSpotError: 400 for an incomplete definition, 409 for a name in use.
        """
        for member in ("name", "label", "type", "fieldType", "groupName"):
            if not body.get(member):
                raise invalid(f"Invalid input JSON: Some required fields were not set: [{member}]")
        name = str(body["name"])
        if body["type"] not in FIELD_TYPES:
            raise invalid(f"Invalid input JSON: unknown property type {body['type']}")
        if not name.replace("_", "").isalnum() or name != name.lower():
            raise invalid(f'Property name "{name}" is invalid', "INVALID_PROPERTY_NAME")
        if name in self.properties:
            message = f'A property named "{name}" already exists.'
            raise HubSpotError(409, "OBJECT_ALREADY_EXISTS", message)
        options = tuple(str(option["value"]) for option in body.get("options") or ())
        made = Property(
            name,
            str(body["label"]),
            body["type"],
            str(body["groupName"]),
            options,
            bool(body.get("hasUniqueValue")),
        )
        self.properties[name] = made
        return made


def object_types() -> dict[str, ObjectType]:
    """A fresh account: contacts, companies, deals, tickets and feedback submissions."""
    return {kind.name: kind for kind in (*_sales_types(), *_service_types())}


def _sales_types() -> tuple[ObjectType, ...]:
    shared = ("createdate", "hs_lastmodifieddate", "hs_object_id")
    return (
        ObjectType(
            "contacts",
            "CONTACT",
            "lastmodifieddate",
            (
                "createdate",
                "email",
                "firstname",
                "hs_object_id",
                "lastmodifieddate",
                "lastname",
            ),
            _standard(_CONTACTS),
            {"companies": "contact_to_company"},
        ),
        ObjectType(
            "companies",
            "COMPANY",
            "hs_lastmodifieddate",
            ("domain", "name", *shared),
            _standard(_COMPANIES),
        ),
        ObjectType(
            "deals",
            "DEAL",
            "hs_lastmodifieddate",
            ("amount", "closedate", "dealname", "dealstage", "pipeline", *shared),
            _standard(_DEALS),
            {"contacts": "deal_to_contact", "companies": "deal_to_company"},
        ),
    )


def _service_types() -> tuple[ObjectType, ...]:
    return (
        ObjectType(
            "tickets",
            "TICKET",
            "hs_lastmodifieddate",
            (
                "content",
                "createdate",
                "hs_lastmodifieddate",
                "hs_object_id",
                "hs_pipeline",
                "hs_pipeline_stage",
                "hs_ticket_category",
                "hs_ticket_priority",
                "subject",
            ),
            _standard(_TICKETS),
            {"contacts": "ticket_to_contact", "companies": "ticket_to_company"},
        ),
        ObjectType(
            "feedback_submissions",
            "FEEDBACK_SUBMISSION",
            "hs_lastmodifieddate",
            ("hs_createdate", "hs_lastmodifieddate", "hs_object_id"),
            _standard(_FEEDBACK),
            {"contacts": "feedback_submission_to_contact"},
            is_read_only=True,
        ),
    )
