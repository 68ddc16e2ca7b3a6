"""Systems break over real HTTP: each is held, all others go on, and a whole source frees it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from unittest import mock

import pytest

from orchestration_assets.deployment import Deployment
from orchestration_assets.stages.held_loads import accept_held
from orchestration_assets.stages.land import land_stream
from orchestration_assets.stages.model import open_refresh
from orchestration_assets.state.alerts import open_alerts
from orchestration_assets.warehouse.scope import consume
from sandbox.client import RunningSandbox, start_sandbox

pytestmark = pytest.mark.long
CONTACTS = ("hubspot", "contacts")
OTHERS = (("shopify", "customers"), ("klaviyo", "profiles"), ("hubspot", "companies"))
KEY = "landing/hubspot.contacts"


@dataclass
class Sources:
    """A deployment over a sandbox, refreshed without building anything."""

    sandbox: RunningSandbox
    deployment: Deployment = field(default_factory=Deployment)
    releases: int = 0

    def land(self, system: str, stream: str, *, full: bool = False) -> None:
        land_stream(self.deployment, system, stream, full=full)

    def refresh(self) -> dict[str, int]:
        """Judge, open the scope and consume it; records in it by stream."""
        found = dict(open_refresh(self.deployment).records)
        self.releases += 1
        with self.deployment.warehouse.writer("test release") as session:
            consume(session, self.releases)
        return found

    def people_change(self) -> set[str]:
        """Records change in every system but the contacts of HubSpot; the streams that landed."""
        self.sandbox.control("/mutate", {"fraction": 0.05})
        for stream in OTHERS:
            self.land(*stream)
        return set(self.refresh())

    def incidents(self) -> dict[str, str]:
        """Owner of each open incident of the landing gate."""
        return {
            alert["dedup_key"]: alert["body"]["owner"]
            for alert in open_alerts(self.deployment.state, "landing/")
        }

    def readable(self) -> dict[str, bool]:
        """Contacts as the model may read them, and whether they are deleted."""
        with self.deployment.warehouse.reader() as session:
            rows = session.rows(
                "select _record_id, _is_deleted from (select *, row_number() over ("
                "partition by _record_id order by _source_at desc, _loaded_at desc) as n"
                " from raw_hubspot.contacts where _dlt_load_id in (select load_id"
                " from scope.readable_loads where stream = 'contacts')) r where n = 1"
            )
        return {row["_record_id"]: row["_is_deleted"] for row in rows}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sources]:
    """Contacts and three other streams have landed and were taken in."""
    home = tmp_path_factory.mktemp("broken")
    with start_sandbox(home, customers=250, seed=5, tier="unlimited") as sandbox:
        own = {"ACCORD_HOME": str(home), "ACCORD_HUBSPOT_SEARCH_LAG_S": "0"}
        with mock.patch.dict(os.environ, {**sandbox.environment(), **own}):
            made = Sources(sandbox)
        for stream in (CONTACTS, *OTHERS):
            made.land(*stream)
        assert len(made.refresh()) == 4
        yield made


@pytest.mark.parametrize("share", [1.0, 0.9])
def test_contacts_that_vanished_stay_and_everything_else_goes_on(sources: Sources, share: float):
    before = sources.readable()
    sources.sandbox.control("/lose", {"table": ".".join(CONTACTS), "share": share})
    sources.land(*CONTACTS, full=True)

    taken = sources.people_change()

    assert {"shopify.customers", "klaviyo.profiles"} <= taken
    assert "hubspot.contacts" not in taken
    assert sources.incidents() == {KEY: "crm"}
    assert sources.readable() == before
    sources.sandbox.control("/restore", {})
    sources.land(*CONTACTS, full=True)
    sources.refresh()
    assert sources.incidents() == {}
    after = sources.readable()
    assert [one for one in before if not before[one] and after[one]] == []


def test_contacts_that_are_there_twice_are_held_until_the_twins_are_gone(sources: Sources):
    before = sources.readable()
    sources.sandbox.control("/double", {"table": ".".join(CONTACTS)})
    sources.land(*CONTACTS)

    assert "shopify.customers" in sources.people_change()
    assert (sources.incidents(), sources.readable()) == ({KEY: "crm"}, before)
    sources.sandbox.control("/restore", {})
    sources.land(*CONTACTS, full=True)
    sources.refresh()
    assert sources.incidents() == {}
    assert len(sources.readable()) - len(before) < 20


def test_contacts_whose_types_changed_are_held_until_they_are_mended(sources: Sources):
    before = sources.readable()
    sources.sandbox.control("/malform", {"count": 200})
    sources.land(*CONTACTS)

    assert "shopify.customers" in sources.people_change()
    assert (sources.incidents()[KEY], sources.readable()) == ("crm", before)
    sources.sandbox.control("/heal", {})
    for stream in (CONTACTS, ("hubspot", "companies")):
        sources.land(*stream)
    sources.refresh()
    assert sources.incidents() == {}
    assert before.keys() <= sources.readable().keys()


def test_a_person_lets_through_what_is_meant(sources: Sources):
    sources.sandbox.control("/double", {"table": ".".join(CONTACTS)})
    sources.land(*CONTACTS)
    assert "hubspot.contacts" not in sources.refresh()
    accept_held(sources.deployment, *CONTACTS, reason="two accounts were joined", by="ann")
    assert sources.incidents() == {}
    assert sources.refresh()["hubspot.contacts"] > 100
