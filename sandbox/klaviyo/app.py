"""The Klaviyo server: the vendor's paths and what answers them."""

from collections.abc import Mapping
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.context import SandboxContext
from sandbox.faults import FaultMiddleware
from sandbox.klaviyo import campaigns, events, reads, writes
from sandbox.klaviyo.errors import KlaviyoError, answer, render_error
from sandbox.klaviyo.rule_table import built_in_rules
from sandbox.klaviyo.rules import Rule, vendor_rules
from sandbox.klaviyo.server import Handler, KlaviyoServer
from sandbox.vendor_specs import KLAVIYO_FOLDER, find_vendor_file

HANDLERS: dict[str, Handler] = {
    "GET /api/profiles": reads.get_profiles,
    "GET /api/profiles/{id}": reads.get_profile,
    "GET /api/events": reads.get_events,
    "GET /api/metrics": reads.get_metrics,
    "GET /api/campaigns": campaigns.get_campaigns,
    "GET /api/lists": reads.get_lists,
    "GET /api/lists/{id}": reads.get_list,
    "GET /api/lists/{id}/profiles": reads.get_list_profiles,
    "GET /api/lists/{id}/relationships/profiles": reads.get_list_profile_ids,
    "GET /api/profile-bulk-import-jobs": reads.get_import_jobs,
    "GET /api/profile-bulk-import-jobs/{job_id}": reads.get_job,
    "GET /api/profile-bulk-import-jobs/{id}/import-errors": reads.get_import_errors,
    "GET /api/profile-bulk-import-jobs/{id}/profiles": reads.get_import_profiles,
    "GET /api/profile-suppression-bulk-create-jobs/{job_id}": reads.get_job,
    "GET /api/profile-suppression-bulk-delete-jobs/{job_id}": reads.get_job,
    "POST /api/profile-import": writes.import_profile,
    "POST /api/profile-bulk-import-jobs": writes.bulk_import,
    "POST /api/profile-suppression-bulk-create-jobs": writes.suppress,
    "POST /api/profile-suppression-bulk-delete-jobs": writes.suppress,
    "POST /api/events": events.create_event,
    "POST /api/event-bulk-create-jobs": events.create_events,
    "POST /api/lists": writes.create_list,
    "POST /api/lists/{id}/relationships/profiles": writes.change_members,
    "DELETE /api/lists/{id}/relationships/profiles": writes.change_members,
    "POST /api/data-privacy-deletion-jobs": writes.request_erasure,
}


def load_rules(vendor_specs: Path | None) -> dict[str, Rule]:
    """The rules of the endpoints served: the vendor's own where its files are at hand."""
    folder = find_vendor_file(KLAVIYO_FOLDER, vendor_specs)
    return vendor_rules(folder, HANDLERS) if folder else built_in_rules()


def _routes(server: KlaviyoServer, rules: dict[str, Rule]) -> list[Route]:
    routes = []
    for endpoint, handler in HANDLERS.items():
        method, path = endpoint.split(" ")
        handle = server.endpoint(rules[endpoint], handler)
        routes += [Route(form, handle, methods=[method]) for form in (path, f"{path}/")]
    return routes


def _plain_error(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    words = {404: "not_found", 405: "method_not_allowed"}
    code = words.get(status, "error")
    detail = "The path could not be found." if status == 404 else "The method is not allowed."
    body = KlaviyoError(status, code, code.replace("_", " ").capitalize() + ".", detail).body()
    return answer(body, status)


def create_app(
    context: SandboxContext,
    vendor_specs: Path | None = None,
    scoped_keys: Mapping[str, frozenset[str]] | None = None,
) -> Starlette:
    """The Klaviyo application.

    Args:
        context: the sandbox.
        vendor_specs: folder of the vendors' files; None looks in the default place.
        scoped_keys: further API keys, each with its scopes. The sandbox's own key may do all.
    """
    server = KlaviyoServer(context, scoped_keys)
    app = Starlette(
        routes=_routes(server, load_rules(vendor_specs)),
        middleware=[
            Middleware(
                FaultMiddleware,
                system="klaviyo",
                context=context,
                render_error=render_error,
            )
        ],
        exception_handlers={404: _plain_error, 405: _plain_error},
    )
    app.state.server = server
    return app
