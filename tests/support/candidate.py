"""Stands for a refresh that came to its end, in tests that need no dbt."""

from orchestration_assets.warehouse import progress
from orchestration_assets.warehouse.session import Session


def finish_candidate(session: Session, version: str) -> None:
    """Note that staging, identity and core were done for the candidate in scope."""
    for step in progress.STEPS:
        progress.finish(session, step, version)
