"""What a release and a plan ask of the verdicts: a sound pass of every required suite."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol


class JudgedSuite(Protocol):
    """What a release asks of a verdict."""

    @property
    def suite(self) -> str:
        """Name of the suite."""
        ...

    @property
    def model_version(self) -> str:
        """The version that was judged."""
        ...

    @property
    def passed(self) -> bool:
        """Whether every rule was kept."""
        ...

    @property
    def evaluated(self) -> int:
        """Rules that were really evaluated."""
        ...

    @property
    def expected(self) -> int:
        """Rules that the suite has."""
        ...

    @property
    def table(self) -> str:
        """`<schema>.<table>` that was judged; empty when unknown."""
        ...

    @property
    def rows(self) -> int | None:
        """Rows of the table when it was judged."""
        ...

    @property
    def held(self) -> int:
        """Rows that it holds back while the rest pass."""
        ...

    @property
    def reason(self) -> str:
        """Why it did not pass."""
        ...

    @property
    def decided_at(self) -> datetime | None:
        """When it was judged."""
        ...


def unmet(
    required: Sequence[str],
    judged: Mapping[str, JudgedSuite],
    version: str | None,
    payload: str | None = None,
) -> list[str]:
    """One sentence for every required suite that has no sound pass over `version`.

    A pass counts only over this very version, with as many rules evaluated as were expected.

    Args:
        required: names of the suites.
        judged: newest verdict of each suite, by suite.
        version: the version of the core.
        payload: what a verdict over a journey names, see `bound_to`; None where none is required.
    """
    reasons = []
    for suite in required:
        verdict = judged.get(suite)
        if verdict is None:
            reasons.append(f"{suite} has no verdict on this version of the model")
        elif verdict.suite != suite or verdict.model_version not in (version, payload):
            reasons.append(f"{suite} was judged on another version of the model")
        elif not verdict.passed:
            reasons.append(f"{suite} failed: {verdict.reason or 'no reason was recorded'}")
        elif verdict.evaluated != verdict.expected or verdict.evaluated < 1:
            reasons.append(
                f"{suite} evaluated {verdict.evaluated} of {verdict.expected} rules: no pass"
            )
    return reasons
