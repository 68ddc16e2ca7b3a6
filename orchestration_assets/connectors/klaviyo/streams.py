"""The contracts of Klaviyo's streams: columns, personal-data classes, expected paths."""

from orchestration_assets.model import Field, Kind, PersonalData, Stream

_SYSTEM = "klaviyo"


def _attribute(
    name: str,
    personal: PersonalData = PersonalData.NONE,
    kind: Kind = Kind.STRING,
    path: str | None = None,
) -> Field:
    return Field(name, f"attributes.{path or name}", kind, personal_data=personal)


def _time(name: str, path: str | None = None) -> Field:
    return _attribute(name, kind=Kind.TIMESTAMP, path=path)


PROFILES = Stream(
    system=_SYSTEM,
    name="profiles",
    description=(
        "One row a profile of the account. Klaviyo publishes no deletions: only a full read "
        "compared with what was landed finds them."
    ),
    record_id="id",
    source_at="attributes.updated",
    fields=(
        _attribute("email", PersonalData.CONTACT),
        _attribute("phone_number", PersonalData.CONTACT),
        _attribute("external_id", PersonalData.IDENTIFIER),
        _attribute("first_name", PersonalData.PROFILE),
        _attribute("last_name", PersonalData.PROFILE),
        _attribute("organization", PersonalData.PROFILE),
        _attribute("address1", PersonalData.CONTACT, path="location.address1"),
        _attribute("city", PersonalData.PROFILE, path="location.city"),
        _attribute("zip", PersonalData.PROFILE, path="location.zip"),
        _attribute("country", PersonalData.PROFILE, path="location.country"),
        _attribute("email_consent", path="subscriptions.email.marketing.consent"),
        _time("email_consent_at", "subscriptions.email.marketing.consent_timestamp"),
        _attribute(
            "email_suppressed",
            kind=Kind.JSON,
            path="subscriptions.email.marketing.suppression",
        ),
        _attribute("sms_consent", path="subscriptions.sms.marketing.consent"),
        _time("sms_consent_at", "subscriptions.sms.marketing.consent_timestamp"),
        _attribute("properties", PersonalData.PROFILE, Kind.JSON),
        _time("created"),
        _time("updated"),
        _time("last_event_date"),
    ),
    known=frozenset(
        {
            "id",
            "type",
            "links",
            "relationships",
            "attributes.image",
            "attributes.locale",
            "attributes.location",
            "attributes.subscriptions",
            "attributes.title",
        }
    ),
    volatile=frozenset({"attributes.updated", "attributes.properties.accord_*"}),
    feeds_identity=True,
)

EVENTS = Stream(
    system=_SYSTEM,
    name="events",
    description=(
        "One row a thing that happened to a profile (an e-mail opened, an order placed). Events "
        "do not change; one that is recorded with a time before the last one read is found by a "
        "full read only."
    ),
    record_id="id",
    source_at="attributes.datetime",
    fields=(
        Field(
            "profile_id",
            "relationships.profile.data.id",
            personal_data=PersonalData.IDENTIFIER,
        ),
        Field("metric_id", "relationships.metric.data.id"),
        Field("metric_name", "metric_name"),
        _time("datetime"),
        _attribute("event_properties", PersonalData.BEHAVIOUR, Kind.JSON),
    ),
    known=frozenset(
        {
            "id",
            "type",
            "links",
            "relationships",
            "attributes.timestamp",
            "attributes.uuid",
        }
    ),
)

LISTS = Stream(
    system=_SYSTEM,
    name="lists",
    description=(
        "One row a list of profiles. Klaviyo publishes no deletions: only a full read compared "
        "with what was landed finds them."
    ),
    record_id="id",
    source_at="attributes.updated",
    fields=(_attribute("name"), _time("created"), _time("updated")),
    known=frozenset({"id", "type", "links", "relationships", "attributes.opt_in_process"}),
    volatile=frozenset({"attributes.updated"}),
)

CAMPAIGNS = Stream(
    system=_SYSTEM,
    name="campaigns",
    description=(
        "One row a campaign of any channel, archived ones included. Klaviyo publishes no "
        "deletions: only a full read compared with what was landed finds them."
    ),
    record_id="id",
    source_at="attributes.updated_at",
    fields=(
        _attribute("name"),
        _attribute("status"),
        Field("channel", "channel"),
        _attribute("archived", kind=Kind.BOOLEAN),
        _time("send_time"),
        _time("scheduled_at"),
        _time("created_at"),
        _time("updated_at"),
    ),
    known=frozenset(
        {
            "id",
            "type",
            "links",
            "relationships",
            "attributes.audiences",
            "attributes.send_options",
            "attributes.send_strategy",
            "attributes.tracking_options",
        }
    ),
    volatile=frozenset({"attributes.updated_at"}),
)

STREAMS: dict[str, Stream] = {
    stream.name: stream for stream in (PROFILES, EVENTS, LISTS, CAMPAIGNS)
}
