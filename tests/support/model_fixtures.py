"""Worlds for tests of the model: copies of one that was built once, empty, on each engine."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration_assets.transform import project
from tests.support.databases import postgres_database
from tests.support.model_world import ModelWorld, open_world


@pytest.fixture(scope="session")
def empty_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DuckDB file in which every model has been built from no records."""
    home = tmp_path_factory.mktemp("empty_model")
    path = home / "warehouse.duckdb"
    _build_all(f"duckdb:///{path}", home)
    return path


@pytest.fixture(scope="session")
def empty_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL database in which every model has been built from no records."""
    with postgres_database() as url:
        _build_all(url, tmp_path_factory.mktemp("empty_postgres"))
        yield url


@pytest.fixture
def duck(empty_model: Path, tmp_path: Path) -> ModelWorld:
    """A world in a DuckDB file of its own, with the models built."""
    copy = tmp_path / "warehouse.duckdb"
    shutil.copy(empty_model, copy)
    return open_world(f"duckdb:///{copy}", tmp_path)


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ModelWorld]:
    """A world on each engine, with the models built."""
    if request.param == "duckdb":
        yield request.getfixturevalue("duck")
        return
    with postgres_database(template=request.getfixturevalue("empty_postgres")) as url:
        yield open_world(url, tmp_path)


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def unbuilt(request: pytest.FixtureRequest, tmp_path: Path) -> ModelWorld:
    """A world on each engine, with nothing built."""
    if request.param == "duckdb":
        return open_world(f"duckdb:///{tmp_path / 'warehouse.duckdb'}", tmp_path)
    return open_world(request.getfixturevalue("postgres_url"), tmp_path)


def _build_all(url: str, home: Path) -> None:
    world = open_world(url, home)
    world.refresh(tests=False)
    world.release()
    world.build(project.ACT, tests=False)
