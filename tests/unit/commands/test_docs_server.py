"""The documentation is served read-only, to this machine alone, and nothing beside its folder."""

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from orchestration_assets.commands.docs_server import serve_docs
from orchestration_assets.errors import FatalError


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "docs"
    (folder / "gates").mkdir(parents=True)
    (folder / "gates" / "index.html").write_text("<p>all gates</p>")
    (tmp_path / "state.sqlite").write_text("not for anybody")
    (folder / "way_out").symlink_to(tmp_path / "state.sqlite")
    with serve_docs(folder, 0) as served:
        yield served


def _status_of(address: str, target: str) -> int:
    """Status of a request for exactly this target, which a client would tidy up first."""
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        return int(connection.recv(4096).split()[1])


def test_pages_are_served_on_loopback(address: str):
    assert address.startswith("http://127.0.0.1:")
    assert "all gates" in httpx.get(f"{address}/gates/index.html").text
    assert "all gates" in httpx.get(f"{address}/gates/").text


@pytest.mark.parametrize(
    "target",
    [
        "/../state.sqlite",
        "/gates/../../state.sqlite",
        "/%2e%2e/state.sqlite",
        "/gates/%2e%2e%2f%2e%2e%2fstate.sqlite",
        "//etc/passwd",
        "/..%5cstate.sqlite",
        "/way_out",
    ],
)
def test_nothing_beside_the_folder_is_served(address: str, target: str):
    assert _status_of(address, target) == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_written(address: str, method: str):
    assert httpx.request(method, f"{address}/gates/index.html").status_code == 405


def test_another_name_for_this_machine_is_refused(address: str):
    answer = httpx.get(f"{address}/gates/index.html", headers={"host": "attacker.example"})
    assert answer.status_code == 400


def test_a_port_that_is_taken_is_named_with_what_to_do(address: str, tmp_path: Path):
    port = int(address.rsplit(":", 1)[1])
    with (
        pytest.raises(FatalError, match=f"port {port}.*--docs-port"),
        serve_docs(tmp_path / "docs", port),
    ):
        pass
