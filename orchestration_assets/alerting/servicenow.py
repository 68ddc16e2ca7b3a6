"""Alerts as ServiceNow incidents through the Table API; the incident's correlation is our key.

The table has no upsert: an open incident of the key is looked for before one is made, so that a
kill between the two makes no second one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from orchestration_assets.alerting.message import Action, Message, incident_key
from orchestration_assets.alerting.vendor_call import call

_TABLE = "/api/now/table/incident"
_OVER = ("6", "7", "8")
_IN_PROGRESS, _RESOLVED = "2", "6"
_TITLE_CHARS = 160
_SETTING = "ACCORD_SERVICENOW_BASE_URL, _USER and _PASSWORD"
# ServiceNow works the priority out of the two.
_URGENCY = {"critical": ("1", "1"), "warning": ("2", "3")}


@dataclass(frozen=True, slots=True)
class Account:
    """One instance and what its own rules want to be told.

    Args:
        base_url: of the instance.
        user: who the incidents are opened by.
        password: of that user.
        close_code: one of the resolution codes of the instance.
        fields: further fields of a new incident, such as the assignment group.
    """

    base_url: str
    user: str
    password: str = field(repr=False)
    close_code: str = "Solution provided"
    fields: Mapping[str, str] = field(default_factory=dict)


class ServiceNowChannel:
    """Opens, updates and resolves incidents of one instance."""

    def __init__(self, account: Account, client: httpx.Client) -> None:
        self._account = account
        self._client = client
        self._url = account.base_url.rstrip("/") + _TABLE

    def send(self, message: Message) -> str | None:
        """Bring the incident to where the message says it is; returns its `sys_id`.

        Raises:
            RetriableError: ServiceNow was not reached or is busy.
            FatalError: it refuses the call.
        """
        found = self._open_incident(message)
        if found is None:
            if message.action in (Action.RESOLVE, Action.ACKNOWLEDGE, Action.UPDATE):
                # Somebody closed it there; only what gets worse is a reason for another.
                return message.reference
            fields = {**self._account.fields, **_new(message)}
            return str(self._call("POST", self._url, json=fields)["sys_id"])
        self._call("PATCH", f"{self._url}/{quote(found, safe='')}", json=self._changes(message))
        return found

    def _open_incident(self, message: Message) -> str | None:
        """The incident of the key that is not over; a key is no part of the query's language."""
        key = incident_key(message.key).replace("^", " ")
        query = f"correlation_id={key}^stateNOT IN{','.join(_OVER)}^ORDERBYDESCsys_created_on"
        params = {"sysparm_query": query, "sysparm_fields": "sys_id", "sysparm_limit": "1"}
        rows = self._call("GET", self._url, params=params)
        return str(rows[0]["sys_id"]) if rows else None

    def _changes(self, message: Message) -> dict[str, str]:
        match message.action:
            case Action.RESOLVE:
                return {
                    "state": _RESOLVED,
                    "close_code": self._account.close_code,
                    "close_notes": f"{message.headline}. {_lines(message)}",
                }
            case Action.ACKNOWLEDGE:
                return {"state": _IN_PROGRESS, "work_notes": f"Acknowledged {message.note}"}
            case Action.UPDATE:
                return _described(message)
            case _:
                return {**_described(message), "work_notes": message.headline}

    def _call(self, method: str, url: str, **request: Any) -> Any:
        response = call(
            self._client,
            method,
            url,
            channel="ServiceNow",
            setting=_SETTING,
            auth=(self._account.user, self._account.password),
            headers={"Accept": "application/json"},
            **request,
        )
        return response.json()["result"]


def _new(message: Message) -> dict[str, str]:
    return {
        **_described(message),
        "correlation_id": incident_key(message.key).replace("^", " "),
        "correlation_display": "accord",
    }


def _described(message: Message) -> dict[str, str]:
    impact, urgency = _URGENCY.get(message.severity, _URGENCY["warning"])
    return {
        "short_description": message.title[:_TITLE_CHARS],
        "description": _lines(message),
        "impact": impact,
        "urgency": urgency,
    }


def _lines(message: Message) -> str:
    parts = [message.what]
    parts += [f"{name}: {value}" for name, value in message.facts.items()]
    parts += [f"- {line}" for line in message.details]
    parts += [f"Next step: {message.next_step}"] if message.next_step else []
    parts += [f"{name}: {address}" for name, address in message.links.items()]
    return "\n".join(parts)
