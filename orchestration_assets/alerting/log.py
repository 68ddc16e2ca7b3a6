"""The channel that always works: the log."""

import structlog

from orchestration_assets.alerting.message import Action, Message


class LogChannel:
    """Writes alerts to the structured log."""

    def send(self, message: Message) -> None:
        """Write one line with the message's fields."""
        logger = structlog.get_logger(__name__)
        calm = message.action in (Action.RESOLVE, Action.DIGEST)
        write = logger.info if calm else logger.error
        write(
            _EVENTS.get(message.action, "alert_opened"),
            alert=message.key,
            severity=message.severity,
            title=message.title,
            next_step=message.next_step,
            **({"details": list(message.details)} if message.action is Action.DIGEST else {}),
            **{name.lower().replace(" ", "_"): value for name, value in message.facts.items()},
        )


_EVENTS = {
    Action.AGAIN: "alert_changed",
    Action.RESOLVE: "alert_resolved",
    Action.DIGEST: "alert_digest",
}
