"""A real `dagster dev` over a sandbox: web server, daemon and code location in one process group."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

import httpx

from orchestration_assets.commands.docs_server import serve_docs
from orchestration_assets.deployment import Deployment
from orchestration_assets.stages.gate import judge, publish
from orchestration_assets.stages.model import open_refresh, resolve_identities
from orchestration_assets.transform.project import CORE, PREPARE
from orchestration_assets.transform.runner import build
from quality.catalog import CORE_SUITES
from sandbox.client import RunningSandbox
from tests.support.deployed import Deployed

REPOSITORY = Path(__file__).resolve().parents[2]
START_SECONDS = 90.0
STOP_SECONDS = 20.0
# Each look costs the web server what the runs need; a tenth of what a sensor waits is soon enough.
LOOK_EVERY_S = 1.0
LOG_TAIL = 4000
ENDED = ("SUCCESS", "FAILURE", "CANCELED")

_RUNS = """query { runsOrError(limit: 200) { ... on Runs { results {
  runId jobName status startTime endTime creationTime tags { key value }
  assetSelection { path } } } } }"""
_TICKS = """{ name sensorState { ticks(limit: 500) {
  status timestamp endTimestamp skipReason runIds error { message } } } }"""
_REPOSITORIES = """query { repositoriesOrError {
  ... on RepositoryConnection { nodes { name sensors %s } } ... on PythonError { message } } }"""
_DECISIONS = """query { assetNodeOrError(assetKey: {path: ["activation", "decisions"]}) {
  ... on AssetNode { assetMaterializations(limit: 1) { metadataEntries {
    label ... on IntMetadataEntry { intValue } } } } } }"""

T = TypeVar("T")


@dataclass
class DagsterDev(Deployed):
    """What `dagster dev` does by itself, seen through GraphQL, the sandbox and its log."""

    url: str
    log: Path
    process: "subprocess.Popen[bytes]"
    client: httpx.Client

    def query(self, text: str) -> dict[str, Any]:
        """The data of a GraphQL answer."""
        response = self.client.post(f"{self.url}/graphql", json={"query": text})
        answer = response.json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def is_loaded(self) -> bool:
        """Whether the code location is served."""
        found = self.query(_REPOSITORIES % "{ name }")["repositoriesOrError"]
        return bool(found.get("nodes"))

    def runs(self) -> list[dict[str, Any]]:
        """Every run, newest first."""
        return self.query(_RUNS)["runsOrError"]["results"]

    def ticks(self) -> dict[str, list[dict[str, Any]]]:
        """Every tick of every sensor, by name."""
        (repository,) = self.query(_REPOSITORIES % _TICKS)["repositoriesOrError"]["nodes"]
        return {sensor["name"]: sensor["sensorState"]["ticks"] for sensor in repository["sensors"]}

    def planned_from(self) -> int:
        """Number of the release that the newest decisions were made from."""
        (newest,) = self.query(_DECISIONS)["assetNodeOrError"]["assetMaterializations"]
        figures = {entry["label"]: entry for entry in newest["metadataEntries"]}
        return figures["release_number"]["intValue"]

    def release_alone(self, age: timedelta) -> int:
        """Build the core anew and release it in this process, which plans nothing; its number.

        Args:
            age: how long ago the release is said to have been made.
        """
        with mock.patch.dict(os.environ, self.environment()):
            deployment = Deployment()
            warehouse, home = deployment.warehouse, deployment.home
            open_refresh(deployment)
            build(PREPARE, warehouse=warehouse, home=home, tests=False).raise_for_models()
            resolve_identities(deployment)
            core = build(CORE, warehouse=warehouse, home=home, full_refresh=True, tests=False)
            core.raise_for_models()
            judge(deployment, CORE_SUITES, run_id="")
            released = publish(deployment)
            assert not released.repeated
            with warehouse.writer("older release") as session:
                session.execute(
                    "update released.releases set released_at = :at where release_number = :number",
                    {"at": datetime.now(UTC) - age, "number": released.release_number},
                )
            deployment.close()
        return released.release_number

    def wait_until(self, what: str, seconds: float, look: Callable[[], T]) -> T:
        """What `look` returns once it is truthy.

        Raises:
            AssertionError: it stayed false too long; holds the runs and the end of the log.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"dagster dev ended\n{self.last_words()}"
            if found := look():
                return found
            time.sleep(LOOK_EVERY_S)
        raise AssertionError(f"not within {seconds:.0f} s: {what}\n{self.last_words()}")

    def last_words(self) -> str:
        """The runs and the end of the log, for a message."""
        runs = [f"{run['jobName']} {run['status']} {run['runId']}" for run in self.runs()]
        tail = self.log.read_text(encoding="utf-8", errors="replace")[-LOG_TAIL:]
        return "\n".join(["runs, newest first:", *runs, "end of the log:", tail])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def dagster_dev(sandbox: RunningSandbox) -> Iterator[DagsterDev]:
    """Start `dagster dev` with the project's own instance settings; end its process group after.

    The documentation is served as `accord ui` serves it.
    """
    with serve_docs(sandbox.home / "docs", 0) as docs_url, _started(sandbox, docs_url) as server:
        yield server


@contextmanager
def _started(sandbox: RunningSandbox, docs_url: str) -> Iterator[DagsterDev]:
    home, port = sandbox.home, _free_port()
    dagster_home = home / "dagster"
    dagster_home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(REPOSITORY / "dagster.yaml", dagster_home / "dagster.yaml")
    url = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        **sandbox.environment(),
        "ACCORD_HOME": str(home),
        "ACCORD_DAGSTER_URL": url,
        "ACCORD_DOCS_URL": docs_url,
        "DAGSTER_HOME": str(dagster_home),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
    }
    command = [sys.executable, "-m", "dagster", "dev", "-w", "workspace.yaml"]
    log = home / "dagster_dev.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*command, "-h", "127.0.0.1", "-p", str(port)],
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        # One client: each makes a TLS context of its own, which costs more than what is asked.
        with httpx.Client(timeout=30) as client:
            server = DagsterDev(home, sandbox, url, log, process, client)
            _wait_for_code(server)
            yield server
    finally:
        _end(process)


def _wait_for_code(server: DagsterDev) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            if server.is_loaded():
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    tail = server.log.read_text(encoding="utf-8", errors="replace")[-LOG_TAIL:]
    raise AssertionError(f"dagster dev did not load the code location:\n{tail}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ask the whole group to end, then make it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and _group_lives(process):
            time.sleep(0.2)
    process.wait(STOP_SECONDS)


def _group_lives(process: "subprocess.Popen[bytes]") -> bool:
    process.poll()
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True
