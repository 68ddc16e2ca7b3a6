"""Check of the channels of alerts: `alerts.yml` is right, and none of them fails."""

from pathlib import Path

from orchestration_assets.doctor.finding import Finding, fail, ok, warn
from orchestration_assets.errors import AccordError
from orchestration_assets.settings import Settings

NAME = "alerts"


def alerting(settings: Settings) -> Finding:
    """Routes and teams are right, and every channel that is set up was reached last time."""
    from orchestration_assets.stages.alert_channels import left_out

    try:
        missing = left_out(settings)
    except AccordError as error:
        return fail(NAME, error.message, error.next_step)
    broken = _broken(settings)
    if broken:
        return warn(
            NAME, "; ".join(broken), "see `accord alerts list`; what is due is kept and goes out."
        )
    if missing:
        return ok(NAME, f"routes are right; not set up and left out: {', '.join(missing)}")
    return ok(NAME, "routes are right, every channel is set up")


def _broken(settings: Settings) -> list[str]:
    """Channels that fail, in words; none where the store is not there yet or is an older one."""
    from sqlalchemy.exc import SQLAlchemyError

    from orchestration_assets.state.version import failing_channels

    url = settings.resolved_state_url
    path = url.removeprefix("sqlite:///")
    if url.startswith("sqlite:///") and not Path(path).expanduser().exists():
        return []
    try:
        rows = failing_channels(url)
    except (SQLAlchemyError, AccordError):
        # What is wrong with the store is another check's to say.
        return []
    return [
        f"alerts do not reach {address}: {error.partition(' Next step: ')[0]}"
        for address, error in rows
    ]
