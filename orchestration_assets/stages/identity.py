"""Who is who, as a deployment goes by it: weights, thresholds and stewards' decisions together."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import FatalError
from orchestration_assets.identity.decisions import APART, TOGETHER, make_decision
from orchestration_assets.identity.links import Policy
from orchestration_assets.identity.refresh import Matching
from orchestration_assets.identity.stewardship import (
    customer_of,
    members_with,
    pairs_to_review,
    unapplied,
)
from orchestration_assets.identity.training import train
from orchestration_assets.identity.weights import load_weights
from orchestration_assets.state.identity_decisions import decide, decisions, withdraw

Record = tuple[str, str]
WEIGHTS_FILE = "identity_weights.json"


def matching(deployment: Deployment) -> Matching:
    """What decides who is who besides the records.

    Raises:
        FatalError: the team's own weights cannot be used.
    """
    settings = deployment.settings
    path = weights_path(deployment)
    return Matching(
        default_region=settings.default_region,
        weights=load_weights(path if path.exists() else None),
        policy=Policy(settings.identity_accept_weight, settings.identity_review_weight),
        decisions=[
            make_decision(
                row["decision_id"],
                row["kind"],
                (row["system_one"], row["record_one"]),
                (row["system_other"], row["record_other"]),
                row["reason"],
            )
            for row in decisions(deployment.state)
        ],
    )


def weights_path(deployment: Deployment) -> Path:
    """Where the team's own match weights are; without the file those of Accord count."""
    return deployment.settings.config_dir / WEIGHTS_FILE


def train_weights(deployment: Deployment, path: Path) -> Mapping[str, Any]:
    """Learn match weights from the records of the warehouse and write them to the file.

    Raises:
        FatalError: nothing has been resolved yet, or too few records.
    """
    with deployment.warehouse.reader() as session:
        if not session.table_exists("identity", "people"):
            raise FatalError(
                "There are no records to learn from.", "run accord run once, then train."
            )
        people = session.arrow("select * from identity.people order by record_key")
    weights = train(people)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(weights.to_json())
    return {"version": weights.version, "records": people.num_rows}


def waiting_decisions(deployment: Deployment) -> list[str]:
    """Ids of the decisions, or withdrawals of one, that no refresh has gone by yet."""
    in_force = [row["decision_id"] for row in decisions(deployment.state)]
    with deployment.warehouse.reader() as session:
        return unapplied(session, in_force)


def review_list(deployment: Deployment, limit: int) -> list[dict[str, Any]]:
    """Pairs that wait for a steward, most likely ones first, with both records' values."""
    decided = [
        frozenset(
            {(row["system_one"], row["record_one"]), (row["system_other"], row["record_other"])}
        )
        for row in decisions(deployment.state)
    ]
    with deployment.warehouse.reader() as session:
        return pairs_to_review(session, decided, limit)


def judge_pair(
    deployment: Deployment, one: Record, other: Record, *, same: bool, reason: str, by: str
) -> str:
    """Keep a steward's word on two records; return the decision's id.

    Raises:
        FatalError: one of the records is not known.
    """
    with deployment.warehouse.reader() as session:
        for record in (one, other):
            customer_of(session, record)
    kind = TOGETHER if same else APART
    return decide(deployment.state, kind, [(one, other)], reason=reason, decided_by=by)[0]


def unlink(
    deployment: Deployment, record: Record, away_from: Record | None, *, reason: str, by: str
) -> list[str]:
    """Keep that a record is not the person of another one, or of anybody it is with now.

    Returns:
        ids of the decisions, one for each record that it is parted from.

    Raises:
        FatalError: a record is not known, or the two are no one customer.
    """
    with deployment.warehouse.reader() as session:
        others = members_with(session, record)
    if away_from is not None:
        if away_from not in others:
            raise FatalError(
                f"{':'.join(record)} and {':'.join(away_from)} are not one customer.",
                "see accord identity show for the records that it is with.",
            )
        others = [away_from]
    if not others:
        raise FatalError(
            f"{':'.join(record)} is with no other record.", "there is nothing to unlink."
        )
    pairs = [(record, other) for other in others]
    return decide(deployment.state, APART, pairs, reason=reason, decided_by=by)


def take_back(deployment: Deployment, decision_id: str, *, reason: str, by: str) -> None:
    """Withdraw a decision.

    Raises:
        FatalError: there is no such decision in force.
    """
    withdraw(deployment.state, decision_id, reason=reason, withdrawn_by=by)
