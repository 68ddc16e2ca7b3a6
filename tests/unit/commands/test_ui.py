"""`accord ui` serves the documentation beside Dagster and tells it the address."""

import os
from pathlib import Path
from unittest import mock

import httpx
import pytest

from orchestration_assets.commands import ui
from orchestration_assets.settings import load_settings
from orchestration_assets.stages.gate_docs import gate_link


def test_pages_on_the_gates_are_served_where_the_links_lead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    page = tmp_path / "docs" / "gates" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("all gates")
    seen: list[str] = []

    def _instead_of_dagster(folder: Path, port: int) -> None:
        assert (folder, port) == (tmp_path, 3999)
        seen.append(httpx.get(gate_link(load_settings())).text)

    monkeypatch.setattr(ui, "_serve", _instead_of_dagster)
    with mock.patch.dict(os.environ):
        ui.ui(port=3999, docs_port=0, home=tmp_path, with_sandbox=False)
        assert load_settings().dagster_url == "http://127.0.0.1:3999"
    assert seen == ["all gates"]
