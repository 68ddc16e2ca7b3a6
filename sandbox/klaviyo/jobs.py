"""Asynchronous jobs: imports, suppressions and erasures, done a moment after they were accepted."""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sandbox.context import SandboxContext
from sandbox.klaviyo.errors import KlaviyoError, invalid
from sandbox.klaviyo.profiles import TABLE, accepted_row, erase, join_list, save_profile

IMPORT = "profile-bulk-import-job"
SUPPRESS = "profile-suppression-bulk-create-job"
UNSUPPRESS = "profile-suppression-bulk-delete-job"
QUEUED_SECONDS = 0.05
PROCESSING_SECONDS = 0.05
CHUNK = 200
KEPT_DAYS = 7


@dataclass
class Job:
    """One job and what came of each of its rows."""

    kind: str
    id: str
    created_at: datetime
    total: int
    list_ids: list[str]
    status: str = "queued"
    started_at: datetime | None = None
    completed_at: datetime | None = None
    completed: int = 0
    skipped: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)
    profile_ids: list[str] = field(default_factory=list)
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    def attributes(self) -> dict[str, Any]:
        """The attributes of the job's resource."""
        shown = {
            "status": self.status,
            "created_at": self.created_at,
            "total_count": self.total,
            "completed_count": self.completed,
            "completed_at": self.completed_at,
        }
        if self.kind != IMPORT:
            return shown | {"skipped_count": self.skipped}
        return shown | {
            "failed_count": len(self.errors),
            "started_at": self.started_at,
            "expires_at": self.created_at + timedelta(days=KEPT_DAYS),
        }


class Jobs:
    """All jobs of the account.

    Args:
        context: the sandbox.
    """

    def __init__(self, context: SandboxContext) -> None:
        self.context = context
        self.by_id: dict[str, Job] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def find(self, kind: str, job_id: str) -> Job | None:
        """The job of this kind with this identifier."""
        job = self.by_id.get(job_id)
        return job if job is not None and job.kind == kind else None

    def start_import(self, profiles: list[Any], list_ids: list[str], path: str) -> Job:
        """Accept an import of profiles, into lists where some are named."""
        job = self._make(IMPORT, len(profiles), list_ids)

        def one(resource: Any) -> dict[str, Any] | None:
            return self._import_row(job, resource)

        self._run(job, profiles, one, path)
        return job

    def start_suppression(
        self, kind: str, emails: list[str], list_ids: list[str], path: str
    ) -> Job:
        """Accept a job that suppresses addresses, or lifts what was suppressed by hand."""
        job = self._make(kind, len(emails), list_ids)

        def one(email: str) -> dict[str, Any] | None:
            return self._suppress(job, email, is_on=kind == SUPPRESS)

        self._run(job, emails, one, path)
        return job

    def start_erasure(self, profile_ids: list[str]) -> None:
        """Erase profiles in a moment; this endpoint has no job to look at."""

        async def run() -> None:
            await asyncio.sleep(QUEUED_SECONDS)
            for profile_id in profile_ids:
                erase(self.context.world, profile_id)

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _make(self, kind: str, total: int, list_ids: list[str]) -> Job:
        world = self.context.world
        job = Job(kind, world.next_id("klaviyo"), world.clock(), total, list_ids)
        self.by_id[job.id] = job
        return job

    def _run(
        self, job: Job, rows: list[Any], one: Callable[[Any], dict[str, Any] | None], path: str
    ) -> None:
        async def run() -> None:
            await asyncio.sleep(QUEUED_SECONDS)
            job.status, job.started_at = "processing", self.context.world.clock()
            await asyncio.sleep(PROCESSING_SECONDS)
            accepted = []
            for position in range(0, len(rows), CHUNK):
                for row in rows[position : position + CHUNK]:
                    written = one(row)
                    if written is not None:
                        accepted.append(written)
                await asyncio.sleep(0)
            if accepted:
                log = self.context.request_log
                log.accepted("klaviyo", "POST", path, 202, accepted)
            job.status, job.completed_at = "complete", self.context.world.clock()

        job.task = asyncio.create_task(run())

    def _import_row(self, job: Job, resource: Any) -> dict[str, Any] | None:
        world = self.context.world
        try:
            if self.context.faults.row_fails("klaviyo"):
                raise invalid("The profile could not be processed.", pointer="/data/attributes")
            profile_id, _is_new = save_profile(world, resource)
        except KlaviyoError as error:
            job.errors.append(_import_error(error, resource))
            return None
        for list_id in job.list_ids:
            join_list(world, list_id, profile_id)
        job.completed += 1
        job.profile_ids.append(profile_id)
        return accepted_row(profile_id, resource, list_ids=job.list_ids)

    def _suppress(self, job: Job, email: str, *, is_on: bool) -> dict[str, Any] | None:
        world = self.context.world
        found = world.find(TABLE, "email", email)
        if not found and is_on:
            found = [save_profile(world, {"type": "profile", "attributes": {"email": email}})[0]]
        for profile_id in found:
            before = world.tables[TABLE][profile_id].get("email_suppressed") or []
            rest = [entry for entry in before if entry.get("reason") != "USER_SUPPRESSED"]
            stamp = world.clock().isoformat(timespec="seconds")
            added = [{"reason": "USER_SUPPRESSED", "timestamp": stamp}] if is_on else []
            world.upsert(TABLE, profile_id, {"email_suppressed": rest + added})
        if not found:
            job.skipped += 1
            return None
        job.completed += 1
        return {"id": found[0], "email": email, "suppressed": is_on}


def _import_error(error: KlaviyoError, resource: Any) -> dict[str, Any]:
    return {
        "type": "import-error",
        "id": str(uuid.uuid4()),
        "attributes": {
            "code": error.code,
            "title": error.title,
            "detail": error.detail,
            "source": {"pointer": error.source.get("pointer")},
            "original_payload": resource if isinstance(resource, dict) else {},
        },
    }
