"""Worlds for tests of the model; DuckDB ones are copies of a model that was built once, empty."""

import shutil
from pathlib import Path

import pytest

from orchestration_assets.transform import project
from tests.support.model_world import ModelWorld, open_world


@pytest.fixture(scope="session")
def empty_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DuckDB file in which every model has been built from no records."""
    home = tmp_path_factory.mktemp("empty_model")
    path = home / "warehouse.duckdb"
    world = open_world(f"duckdb:///{path}", home)
    world.refresh(tests=False)
    world.release()
    world.build(project.ACT, tests=False)
    return path


@pytest.fixture
def duck(empty_model: Path, tmp_path: Path) -> ModelWorld:
    """A world in a DuckDB file of its own, with the models built."""
    copy = tmp_path / "warehouse.duckdb"
    shutil.copy(empty_model, copy)
    return open_world(f"duckdb:///{copy}", tmp_path)


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> ModelWorld:
    """A world on each engine, with nothing built."""
    if request.param == "duckdb":
        return open_world(f"duckdb:///{tmp_path / 'warehouse.duckdb'}", tmp_path)
    return open_world(request.getfixturevalue("postgres_url"), tmp_path)
