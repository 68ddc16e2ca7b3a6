"""One run of the identity step: from person records to customers, as small as the change allows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import structlog

from orchestration_assets.identity import outcome, tables, work
from orchestration_assets.identity.activity import customers_of_activity, take_activity_along
from orchestration_assets.identity.clusters import Clusters, cluster
from orchestration_assets.identity.decisions import (
    Decision,
    kept_apart,
    newly_decided,
    remember,
    steward_links,
)
from orchestration_assets.identity.keys import hash_version
from orchestration_assets.identity.links import STANDARD, Links, Policy, find_links
from orchestration_assets.identity.population import population_of
from orchestration_assets.identity.weights import Weights, load_weights
from orchestration_assets.warehouse import progress
from orchestration_assets.warehouse.engine import Warehouse
from orchestration_assets.warehouse.scope import create_scope_tables, extend_with_customers
from orchestration_assets.warehouse.session import Session

_CUSTOMERS = "customers"
_LINKS_OF_REACHED = """
select l.* from identity.links l where l.one in (select record_key from reached_records)
"""
_PEOPLE_OF_REACHED = """
select record_key, system, record_id, first_loaded_at, first, last, email,
    coalesce(phone, other_phone) as phone_e164
from identity.people where record_key in (select record_key from reached_records)
"""


@dataclass(frozen=True, slots=True)
class Matching:
    """What decides who is who besides the records: all of it is kept outside the warehouse.

    Args:
        default_region: ISO country for phone numbers of records that name no country.
        weights: match weights; None takes those that come with Accord.
        policy: from when a score counts.
        decisions: what stewards decided, withdrawn decisions left out.
    """

    default_region: str
    weights: Weights | None = None
    policy: Policy = STANDARD
    decisions: Sequence[Decision] = ()


@dataclass(frozen=True, slots=True)
class IdentityResult:
    """What one run did.

    Attributes:
        records: person records of the warehouse.
        customers: customers of the warehouse.
        resolved: records whose clusters were formed in this run.
        compared: pairs of records that were scored in this run.
        new: customers that did not exist before.
        merged: customers that ended because their records joined another one.
        split: customers of before whose records now belong to several.
        shared_identifiers: keys of the warehouse that do not link on their own.
        taken_apart: clusters of this run that were quarantined instead of being merged.
        to_review: pairs of the warehouse that wait for a steward.
        touched: customers added to the scope.
    """

    records: int
    customers: int
    resolved: int
    compared: int
    new: int
    merged: int
    split: int
    shared_identifiers: int
    taken_apart: int
    to_review: int
    touched: int


def refresh(warehouse: Warehouse, matching: Matching, *, full: bool = False) -> IdentityResult:
    """Resolve the records in scope; everybody on the first run and when the weights changed.

    All of it is one transaction: assignments, history, the touched customers of the scope, and that
    the step is done for the candidate in scope.

    Args:
        warehouse: it must hold the model `int_person_records_unioned` and an open scope.
        matching: weights, thresholds and stewards' decisions.
        full: resolve everybody anew; the result is the same, ids included.

    Raises:
        RetriableError: the writer lock did not come in time.
        FatalError: the weights cannot be used.
    """
    weights = matching.weights or load_weights()
    with warehouse.writer("resolve identities") as session:
        create_scope_tables(session)
        tables.create_tables(session)
        decided = newly_decided(session, matching.decisions)
        changed = work.take_in(session, matching.default_region, decided, anew=full)
        population, made_with = _settings(session, weights, matching.policy)
        is_new = full or _is_new(session, made_with)
        compared = work.everybody(session) if is_new else work.near(session, changed)
        links = find_links(
            compared.sample,
            weights,
            population,
            policy=matching.policy,
            known_shared=compared.known_shared,
        )
        outcome.store_links(session, links, everybody=compared.sample.changed is None)
        clusters, people, before = _clusters(session, matching, compared, links)
        counts = outcome.store(session, people, clusters, before, decided)
        take_activity_along(session)
        touched = outcome.touched_customers(session, changed)
        added = extend_with_customers(session, [*touched, *customers_of_activity(session)])
        remember(session, matching.decisions)
        customers = _customers(session, counts, everybody=compared.sample.changed is None)
        tables.remember_settings(session, made_with | {_CUSTOMERS: str(customers)})
        progress.begin(session, progress.IDENTITY, ())
        progress.finish(session, progress.IDENTITY, "")
        result = _result(session, people, clusters, links, counts, customers, added)
    structlog.get_logger(__name__).info(
        "identity_refreshed", everybody=compared.sample.changed is None, new=result.new
    )
    return result


def is_everybody_due(session: Session, matching: Matching) -> bool:
    """Whether the next `refresh` resolves everybody: the first one, and after other weights."""
    if not session.table_exists("identity", "record_keys"):
        return True
    weights = matching.weights or load_weights()
    made_with = _settings(session, weights, matching.policy)[1]
    return _is_new(session, made_with)


def _is_new(session: Session, made_with: Mapping[str, str]) -> bool:
    is_other = any(tables.setting(session, name) != value for name, value in made_with.items())
    # Nobody had been here when the settings were noted first.
    return is_other or not session.count("identity", "record_keys")


def touch_customers_of_activity(session: Session) -> int:
    """Bring the customers of the orders, carts, ... in scope into it, where no person is in it.

    Without a person in scope nobody becomes somebody else, and this is all there is to resolve.
    """
    return extend_with_customers(session, customers_of_activity(session))


def _settings(session: Session, weights: Weights, policy: Policy) -> tuple[int, dict[str, str]]:
    """The population that odds are counted for, and what the assignments depend on."""
    population = population_of(int(session.scalar("select count(*) from identity.people")))
    return population, {
        "layout": tables.LAYOUT,
        "key_hash": hash_version(),
        "weights": weights.version,
        "population": str(population),
        "policy": f"{policy.accept_weight} {policy.review_weight} {policy.names_can_veto}",
    }


def _clusters(
    session: Session, matching: Matching, compared: work.Compared, links: Links
) -> tuple[Clusters, pa.Table, pa.Table]:
    """Form the clusters of all that was reached; returns them, their records and what they were."""
    sides = [links.links[side].combine_chunks() for side in ("one", "other")]
    work.reached(session, pa.concat_arrays([compared.touched, *sides]))
    people = session.arrow(_PEOPLE_OF_REACHED)
    stored = session.arrow(_LINKS_OF_REACHED)
    known = people["record_key"]
    stewards = steward_links(matching.decisions, known)
    clusters = cluster(people, pa.concat_tables([stored, stewards]), kept_apart(matching.decisions))
    before = session.arrow(
        "select record_key, system, record_id, customer_id from identity.customer_records"
        " where record_key in (select record_key from reached_records)"
    )
    return clusters, people, before


def _customers(session: Session, counts: outcome.Counts, *, everybody: bool) -> int:
    """How many customers there are; a small run reaches whole customers, so it knows the change."""
    before = tables.setting(session, _CUSTOMERS)
    if before is not None and not everybody:
        return int(before) + counts.more
    return session.scalar("select count(distinct customer_id) from identity.customer_records")


def _result(
    session: Session,
    people: pa.Table,
    clusters: Clusters,
    links: Links,
    counts: outcome.Counts,
    customers: int,
    added: int,
) -> IdentityResult:
    count = "select count(*) from identity."
    return IdentityResult(
        records=session.scalar(count + "customer_records"),
        customers=customers,
        resolved=people.num_rows,
        compared=links.compared,
        new=counts.new,
        merged=counts.merged,
        split=counts.split,
        shared_identifiers=session.scalar(count + "shared_identifiers"),
        taken_apart=clusters.quarantined.num_rows,
        to_review=session.scalar(count + "review"),
        touched=added,
    )
