"""Which entry of raci.yml answers for a step of a run."""

from orchestration_assets.connectors.catalog import SYSTEMS

# Steps and jobs whose names do not say whose they are.
_LAYERS = {
    "open_scope": "scope",
    "build_staging": "intermediate",
    "build_core": "core",
    "build_journeys": "journeys",
    "gate_core": "core",
    "gate_payloads": "journeys",
    "release": "released",
    "act_on_release": "activation",
    "deliver_left_over": "activation",
    "work_off_events": "events",
    "remove_old_bodies": "events",
}
_FIRST_PARTS = {
    "activation": "activation",
    "identity": "identity",
    "documentation": "documentation",
}


def subject_of(job: str, step: str) -> str:
    """The entry that answers for a step, such as `layers.core` or `connectors.hubspot`.

    Args:
        job: name of the job; it answers for steps that nothing is known of.
        step: name of the step, `raw__hubspot__contacts` or `build_core`.
    """
    for name in (step, job):
        first, *others = name.split("__")
        layer = _LAYERS.get(name) or _FIRST_PARTS.get(first)
        if layer:
            return f"layers.{layer}"
        for system in SYSTEMS:
            if system in others or name == f"land_{system}":
                return f"connectors.{system}"
    return "layers.released"
