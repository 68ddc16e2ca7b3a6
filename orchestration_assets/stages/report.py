"""Figures about identity, and the file that lets anybody recompute them."""

import csv
from pathlib import Path
from typing import Any

from orchestration_assets.deployment import Deployment
from orchestration_assets.identity.evaluate import pairwise

TRUTH_FILE = "truth.csv"
_IDENTITIES = (
    "select customer_id, system, record_id from identity.customer_records"
    " order by customer_id, system, record_id"
)


def _identities(deployment: Deployment) -> list[dict[str, Any]]:
    with deployment.warehouse.reader() as session:
        if not session.table_exists("identity", "customer_records"):
            return []
        return session.rows(_IDENTITIES)


def identity_figures(deployment: Deployment) -> dict[str, Any]:
    """Customers and records, with pairwise precision and recall where the truth is at hand.

    The truth is `truth.csv` (system, record_id, person_id) in the deployment's home; a record that
    it names and that was not landed counts as a customer of its own.
    """
    rows = _identities(deployment)
    predicted = {(row["system"], row["record_id"]): row["customer_id"] for row in rows}
    figures: dict[str, Any] = {
        "records": len(predicted),
        "customers": len(set(predicted.values())),
    }
    truth_file = deployment.home / TRUTH_FILE
    if truth_file.exists() and predicted:
        with truth_file.open(encoding="utf-8", newline="") as stream:
            truth = {
                (row["system"], row["record_id"]): row["person_id"]
                for row in csv.DictReader(stream)
            }
        quality = pairwise(truth, predicted)
        figures |= {"precision": quality.precision, "recall": quality.recall, "f1": quality.f1}
    return figures


def write_identities(deployment: Deployment, path: Path) -> int:
    """Write customer_id, system, record_id of every resolved record; return their number."""
    rows = _identities(deployment)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, ["customer_id", "system", "record_id"])
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)
