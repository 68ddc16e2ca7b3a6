"""Who is responsible, accountable, consulted and informed: `raci.yml`, read and held complete.

What has to be in the file is derived from the code and handed in as `Subjects`; every problem that
is found says what to write where.
"""

from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from orchestration_assets.errors import FatalError

FILE = "raci.yml"
# Section of the file to what one entry of it is called.
KINDS: Mapping[str, str] = {
    "layers": "layer",
    "groups": "model group",
    "connectors": "connector",
    "audiences": "audience",
    "journeys": "journey",
    "purposes": "consent purpose",
}
Subjects = Mapping[str, Sequence[str]]
"""Names that each section must hold, by section."""
_ROLES = ("responsible", "accountable", "consulted", "informed")


class Team(BaseModel):
    """How a team is reached."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, StringConstraints(min_length=1)]
    email: Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$")]
    slack: Annotated[str, StringConstraints(pattern=r"^#[a-z0-9_-]+$")]


class Entry(BaseModel):
    """The four roles for one subject, each by the short names of teams."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    responsible: list[str] = Field(default_factory=list)
    # A list is read, so that it can be told apart from a misspelling; it is a problem all the same.
    accountable: str | list[str] | None = None
    consulted: list[str] = Field(default_factory=list)
    informed: list[str] = Field(default_factory=list)

    @property
    def accountables(self) -> list[str]:
        """The teams written as accountable; exactly one where all is well."""
        if self.accountable is None:
            return []
        return [self.accountable] if isinstance(self.accountable, str) else self.accountable

    def teams(self, role: str) -> list[str]:
        """The teams in one of the four roles."""
        return self.accountables if role == "accountable" else getattr(self, role)


class Raci(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    teams: dict[str, Team]
    layers: dict[str, Entry] = Field(default_factory=dict)
    groups: dict[str, Entry] = Field(default_factory=dict)
    connectors: dict[str, Entry] = Field(default_factory=dict)
    audiences: dict[str, Entry] = Field(default_factory=dict)
    journeys: dict[str, Entry] = Field(default_factory=dict)
    purposes: dict[str, Entry] = Field(default_factory=dict)

    def section(self, kind: str) -> dict[str, Entry]:
        """The entries of a section, by subject."""
        return getattr(self, kind)

    def accountable(self, kind: str, name: str) -> str:
        """The one team that is accountable.

        Raises:
            FatalError: there is none, or more than one; says what to add.
        """
        entry = self.section(kind).get(name, Entry())
        wrong = _accountable_problem(kind, name, entry)
        if wrong:
            what, advice = wrong
            raise FatalError(f"{what}.", f"{advice}.")
        return entry.accountables[0]


def read_raci(path: Path) -> Raci:
    """Read the file; whether it is complete is for `problems` to say.

    Raises:
        FatalError: no such file, or it is not what it should be; names the line or the entry.
    """
    import yaml

    if not path.is_file():
        raise FatalError(
            f"There is no {_shown(path)}, so nobody answers for anything.",
            "copy config/raci.yml of the repository there, or correct ACCORD_CONFIG_DIR.",
        )
    try:
        content = _parsed(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise FatalError(f"{_shown(path)} cannot be read: {error}", "correct that line.") from error
    try:
        return Raci.model_validate(content or {})
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()
        )
        raise FatalError(
            f"{_shown(path)} is not as it should be: {wrong}.",
            "give each team name, email and slack, and each entry responsible, accountable,"
            " consulted and informed.",
        ) from error


def problems(raci: Raci, subjects: Subjects) -> list[str]:
    """Everything that is missing, doubled, unknown or left over, each with what to do.

    Args:
        raci: the file.
        subjects: what there is; a section that is not named is not compared.
    """
    found = [
        problem
        for kind in KINDS
        for name, entry in raci.section(kind).items()
        if name in subjects.get(kind, (name,))
        for problem in _entry_problems(raci, kind, name, entry)
    ]
    for kind, names in subjects.items():
        present = raci.section(kind)
        found += [
            ": ".join(wrong)
            for name in names
            if name not in present and (wrong := _accountable_problem(kind, name, Entry()))
        ]
        found += [
            f"{KINDS[kind]} `{name}` does not exist any more:"
            f" take {kind}.{name} out of config/{FILE}"
            for name in present
            if name not in names
        ]
    return found


def complete(raci: Raci, subjects: Subjects) -> Raci:
    """The same file, once it is found without a problem.

    Raises:
        FatalError: names every problem with what to do.
    """
    found = problems(raci, subjects)
    if found:
        raise FatalError(
            f"config/{FILE} has {len(found)} problems: " + "; ".join(found) + ".",
            "write what each of them says; `accord governance raci` shows the file as it is.",
        )
    return raci


def matrix(raci: Raci) -> list[dict[str, Any]]:
    """One row for each entry: its kind, its name and the teams of each role."""
    return [
        {"kind": kind, "name": name, **{role: entry.teams(role) for role in _ROLES}}
        for kind in KINDS
        for name, entry in raci.section(kind).items()
    ]


def _entry_problems(raci: Raci, kind: str, name: str, entry: Entry) -> list[str]:
    found = []
    if wrong := _accountable_problem(kind, name, entry):
        found.append(": ".join(wrong))
    if not entry.responsible:
        found.append(
            f"{KINDS[kind]} `{name}` has nobody responsible: add `responsible: [<team>]` under"
            f" {kind}.{name} in config/{FILE}"
        )
    for role in _ROLES:
        teams = entry.teams(role)
        found += [
            f"{KINDS[kind]} `{name}` names the unknown team `{team}` as {role}: add it under teams"
            f" in config/{FILE}, or use one of {', '.join(raci.teams)}"
            for team in teams
            if team not in raci.teams
        ]
        found += [
            f"{KINDS[kind]} `{name}` names `{team}` twice as {role}: keep it once under"
            f" {kind}.{name} in config/{FILE}"
            for team in sorted({team for team in teams if teams.count(team) > 1})
        ]
    return found


def _accountable_problem(kind: str, name: str, entry: Entry) -> tuple[str, str] | None:
    teams = entry.accountables
    where = f"{kind}.{name} in config/{FILE}"
    if not teams:
        return (
            f"{KINDS[kind]} `{name}` has no accountable",
            f"add `accountable: <team>` under {where}",
        )
    if len(teams) > 1:
        return (
            f"{KINDS[kind]} `{name}` has {len(teams)} accountables, {' and '.join(teams)}",
            f"keep one as `accountable: <team>` under {where}, make the others consulted",
        )
    return None


def _shown(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@lru_cache(maxsize=8)
def _parsed(text: str) -> Any:
    """The same file is asked for by every part of the definitions."""
    import yaml

    return yaml.load(text, _unique_key_loader())  # noqa: S506


def _unique_key_loader() -> Any:
    """A safe loader that refuses a key that stands twice; YAML would silently keep the last."""
    import yaml

    class _Loader(yaml.SafeLoader):
        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
            lines: dict[str, int] = {}
            for key, _ in node.value:
                line = key.start_mark.line + 1
                if key.value in lines:
                    raise yaml.constructor.ConstructorError(
                        None,
                        None,
                        f"`{key.value}` stands twice, in lines {lines[key.value]} and {line}:"
                        " keep one of them",
                    )
                lines[key.value] = line
            return super().construct_mapping(node, deep)

    return _Loader
