"""A landing killed anywhere and run again loses nothing and doubles nothing."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.unit.landing.conftest import Place
from tests.unit.landing.vendor import person

PEOPLE_COUNT = 600
POINTS = (
    # Where the process ends: module, object, name; before or after that call.
    ("before the data is in", "dlt_load.Loader", "load", "before"),
    ("after the data is in, before it is registered", "dlt_load.Loader", "load", "after"),
    ("after the rows, before dlt calls the load complete", "dlt", "complete_load", "before"),
    ("after dlt calls the load complete", "dlt", "complete_load", "after"),
)
SCRIPT = """
import os, signal, sys
from pathlib import Path
from orchestration_assets.landing import chunks, dlt_load, land as land_module
from orchestration_assets.state.store import open_state
from orchestration_assets.warehouse.engine import open_warehouse
from tests.unit.landing.vendor import PEOPLE, Vendor, person

url, home, where, when, calls = sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])
chunks.BATCH_RECORDS, chunks.CHUNK_ROWS = 50, 100

def killing(owner, name):
    original, made = getattr(owner, name), []
    def call(*arguments, **options):
        made.append(1)
        if len(made) == calls and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments, **options)
        if len(made) == calls:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(owner, name, call)

if where == "load":
    killing(dlt_load.Loader, "load")
elif where == "complete_load":
    from dlt.destinations.job_client_impl import SqlJobClientBase
    killing(SqlJobClientBase, "complete_load")
vendor = Vendor(page_size=50)
vendor.put(*[person(number) for number in range(600)])
print("ready", flush=True)
land_module.land(PEOPLE, vendor, open_warehouse(url, home), open_state(f"sqlite:///{home}/state.sqlite"), home)
"""


def _start(place: Place, where: str, when: str, calls: int = 2) -> subprocess.Popen[bytes]:
    root = Path(__file__).resolve().parents[3]
    command = [sys.executable, "-c", SCRIPT, place.warehouse.url, str(place.home), where, when]
    return subprocess.Popen(
        [*command, str(calls)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
    )


def _land_again_and_compare(place: Place) -> None:
    place.vendor.page_size = 50
    place.vendor.put(*[person(number) for number in range(PEOPLE_COUNT)])
    place.land()
    ids = [row["_record_id"] for row in place.rows("select _record_id from raw_acme.people")]
    assert sorted(ids, key=int) == [str(number) for number in range(PEOPLE_COUNT)]
    loads = {row["load_id"]: row["rows"] for row in place.rows("select * from landing.loads")}
    landed = place.rows("select _dlt_load_id as id, count(*) as n from raw_acme.people group by 1")
    assert loads == {row["id"]: row["n"] for row in landed}
    assert place.land().rows_landed == 0


@pytest.mark.parametrize(("where", "when"), [point[2:] for point in POINTS], ids=lambda x: x)
def test_a_landing_killed_in_its_second_chunk_is_made_good(place: Place, where: str, when: str):
    process = _start(place, where, when)
    assert process.wait(120) == -signal.SIGKILL

    _land_again_and_compare(place)


def test_a_landing_killed_at_any_moment_is_made_good(place: Place):
    chance = random.Random(place.warehouse.dialect)
    for _ in range(3):
        process = _start(place, "nowhere", "never")
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chance.uniform(0.3, 2.5))
        process.kill()
        process.wait(30)

    _land_again_and_compare(place)


def test_two_landings_of_one_stream_at_once_double_nothing(place: Place):
    processes = [_start(place, "nowhere", "never") for _ in range(2)]
    assert [process.wait(120) for process in processes] == [0, 0]

    _land_again_and_compare(place)
