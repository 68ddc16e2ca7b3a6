"""The endpoint that lists campaigns; it answers for one channel at a time."""

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.klaviyo.errors import answer, invalid
from sandbox.klaviyo.paging import Read, page_of_table, read_query
from sandbox.klaviyo.reads import collection, field, wanted_fields
from sandbox.klaviyo.resources import related_links, sparse, stamp
from sandbox.klaviyo.rules import Rule
from sandbox.world.model import Document

if TYPE_CHECKING:
    from sandbox.klaviyo.server import KlaviyoServer

TABLE = "klaviyo.campaigns"
CHANNEL = "messages.channel"
CHANNELS = ("email", "sms", "mobile_push")
READERS: dict[str, Read] = {
    "id": lambda record_id, _document: record_id,
    CHANNEL: field("channel"),
    "name": field("name"),
    "status": field("status"),
    "archived": field("archived"),
    "created_at": field("created_at"),
    "scheduled_at": field("scheduled_at"),
    "updated_at": field("updated_at"),
}


async def get_campaigns(server: "KlaviyoServer", request: Request, rule: Rule) -> Response:
    """`GET /api/campaigns`."""
    asked = read_query(request, rule, "-updated_at")
    if asked.include:
        raise invalid("The local server includes nothing with campaigns.", parameter="include")
    channels = [c.value for c in asked.conditions if c.field == CHANNEL]
    if len(channels) != 1 or channels[0] not in CHANNELS:
        named = ", ".join(f"equals({CHANNEL},'{channel}')" for channel in CHANNELS)
        raise invalid(f"A channel filter is required: one of {named}.", parameter="filter")
    rows, cursor = page_of_table(server.world, TABLE, asked, READERS, "updated_at")
    base_url, wanted = server.base_url(request), wanted_fields(request, "campaign")
    data = [sparse(campaign_resource(base_url, *row), wanted) for row in rows]
    return answer(collection(server, request, data, cursor))


def campaign_resource(base_url: str, campaign_id: str, document: Document) -> dict[str, Any]:
    """A `campaign`; which channel it is on, only its messages tell."""
    url = f"{base_url}/api/campaigns/{campaign_id}"
    relationships = related_links(url, "campaign-messages", "tags")
    relationships["campaign-messages"]["data"] = [
        {"type": "campaign-message", "id": document["message_id"]}
    ]
    relationships["tags"]["data"] = []
    is_mail = document["channel"] == "email"
    tracking: dict[str, Any] = {"add_tracking_params": False, "custom_tracking_params": []}
    if is_mail:
        tracking |= {"is_tracking_clicks": True, "is_tracking_opens": True}
    planned = stamp(document.get("send_time"))
    strategy = {"method": "static", "datetime": planned, "options": {"is_local": False}}
    return {
        "type": "campaign",
        "id": campaign_id,
        "attributes": {
            "name": document["name"],
            "status": document["status"],
            "archived": document["archived"],
            "audiences": {"included": ["NwLt01"], "excluded": []},
            "send_options": {"use_smart_sending": True},
            "tracking_options": tracking,
            "send_strategy": strategy if planned else {"method": "immediate"},
            "created_at": stamp(document["created_at"]),
            "scheduled_at": stamp(document.get("scheduled_at")),
            "updated_at": stamp(document["updated_at"]),
            "send_time": planned,
        },
        "relationships": relationships,
        "links": {"self": f"{url}/"},
    }
