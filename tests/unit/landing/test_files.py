"""Landing a stream that is always read whole: the rows of a file that a team keeps."""

from pathlib import Path

import pytest

from orchestration_assets.connectors.reference.source import ReferenceSource
from orchestration_assets.connectors.reference.streams import STREAMS
from orchestration_assets.errors import FatalError
from orchestration_assets.landing.cursors import read_cursor
from orchestration_assets.landing.land import land
from orchestration_assets.model import LandingResult
from orchestration_assets.state.quarantine import held
from tests.unit.landing.conftest import Place

COSTS = STREAMS["costs"]
HEAD = "cost_id,kind,channel,campaign_name,period_start,period_end,amount,currency_code,updated_at"


def cost(name: str, amount: str = "120.50", updated: str = "2026-02-01T08:00:00Z") -> str:
    return f"{name},media,email,,2026-01-01,2026-01-31,{amount},EUR,{updated}"


class Files:
    """A folder of files that land in a place."""

    def __init__(self, place: Place, folder: Path) -> None:
        self.place, self.folder = place, folder
        self.source = ReferenceSource({"dir": str(folder)})

    def land(self, *rows: str) -> LandingResult:
        """Write costs.csv and land it."""
        (self.folder / "costs.csv").write_text("\n".join([HEAD, *rows]) + "\n", encoding="utf-8")
        place = self.place
        return land(COSTS, self.source, place.warehouse, place.state, place.home)

    def newest(self) -> dict[str, tuple[str, bool]]:
        """Amount, and whether it is deleted, by cost."""
        found = self.place.rows(
            "select _record_id, amount, _is_deleted from (select *, row_number() over ("
            "partition by _record_id order by _source_at desc, _loaded_at desc) as n"
            " from raw_reference.costs) r where n = 1"
        )
        return {row["_record_id"]: (f"{row['amount']:.2f}", row["_is_deleted"]) for row in found}

    def held(self) -> dict[str, str]:
        """Reason by record."""
        return {row["record_id"]: row["reason"] for row in held(self.place.state, "reference")}


@pytest.fixture
def files(place: Place, tmp_path: Path) -> Files:
    folder = tmp_path / "figures"
    folder.mkdir()
    return Files(place, folder)


def test_rows_land_once_and_moving_them_about_is_no_change(files: Files) -> None:
    assert files.land(cost("a"), cost("b")).rows_landed == 2
    moved = [cost("b"), cost("a", updated="2026-03-01T08:00:00Z")]
    again = files.land(*moved)
    assert (again.rows_read, again.rows_landed, again.rows_unchanged) == (2, 0, 2)
    cursor = read_cursor(files.place.warehouse, COSTS)
    assert not files.source.has_changed("costs", cursor)
    assert files.land(*moved).rows_read == 0


def test_a_file_that_never_had_rows_lands_nothing_and_is_no_error(files: Files) -> None:
    assert files.land().rows_read == 0
    assert files.land(cost("a")).rows_landed == 1


def test_a_row_that_is_taken_out_lands_as_a_deletion_and_comes_back_with_itself(
    files: Files,
) -> None:
    files.land(cost("a"), cost("b"))
    result = files.land(cost("a"))
    assert (result.rows_deleted, result.rows_landed) == (1, 0)
    assert files.newest() == {"a": ("120.50", False), "b": ("120.50", True)}
    assert files.land(cost("a")).rows_deleted == 0
    assert files.land(cost("a"), cost("b")).rows_landed == 1
    assert files.newest()["b"] == ("120.50", False)


def test_a_changed_row_counts_though_nobody_moved_its_time(files: Files) -> None:
    files.land(cost("a"))
    assert files.land(cost("a", "99")).rows_landed == 1
    assert files.newest() == {"a": ("99.00", False)}


def test_a_malformed_row_is_held_with_its_line_while_the_others_land(files: Files) -> None:
    files.land(cost("a"), cost("b"))
    result = files.land(cost("a", "1.000,00 EUR".replace(",", ".")), cost("b", "7"), cost("", "5"))
    assert (result.rows_landed, result.rows_deleted) == (1, 0)
    assert files.newest() == {"a": ("120.50", False), "b": ("7.00", False)}
    reasons = files.held()
    assert reasons.pop("a") == "line 2: amount: decimal expected, got a text of 12 characters"
    assert list(reasons.values()) == ["line 4: cost_id: a value is required"]


def test_a_row_with_cells_too_many_is_held_and_not_taken_for_deleted(files: Files) -> None:
    files.land(cost("a"), cost("b"))
    result = files.land(cost("a"), cost("b", "120,50"))
    assert (result.rows_landed, result.rows_deleted) == (0, 0)
    assert files.held()["b"].startswith("line 3: ")
    assert files.newest()["b"] == ("120.50", False)


def test_what_was_held_is_let_go_once_its_row_is_mended_or_gone(files: Files) -> None:
    files.land(cost("a", "many"), cost("", "5"), cost("c"))
    assert len(files.held()) == 2
    files.land(cost("a", "many"), cost("c"))
    assert list(files.held()) == ["a"]
    files.land(cost("a", "3"), cost("c"))
    assert files.held() == {}


def test_a_file_that_lost_all_its_rows_deletes_nothing(files: Files) -> None:
    files.land(cost("a"), cost("b"))
    for _ in range(2):
        with pytest.raises(FatalError, match=r"costs\.csv has no rows any more"):
            files.land()
    assert files.newest() == {"a": ("120.50", False), "b": ("120.50", False)}


def test_a_column_that_no_contract_knows_is_kept_and_told(files: Files) -> None:
    path = files.folder / "costs.csv"
    path.write_text(f"{HEAD},note\n{cost('a')},ours\n", encoding="utf-8")
    place = files.place
    result = land(COSTS, files.source, place.warehouse, place.state, place.home)
    assert (result.rows_landed, result.drift) == (1, ("note",))
    [row] = place.rows("select _raw from raw_reference.costs")
    assert '"note":"ours"' in row["_raw"]
