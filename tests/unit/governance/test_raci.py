"""`raci.yml`: what is missing, doubled, unknown or left over is told with what to write."""

from pathlib import Path

import pytest

from orchestration_assets.errors import FatalError
from orchestration_assets.governance.raci import complete, matrix, problems, read_raci

TEAMS = """
teams:
  crm: {name: CRM, email: crm@example.com, slack: "#crm"}
  commerce: {name: Commerce, email: commerce@example.com, slack: "#commerce"}
"""
GOOD = """
connectors:
  hubspot:
    responsible: [crm]
    accountable: crm
    consulted: [commerce]
    informed: []
"""
SUBJECTS = {"connectors": ["hubspot"]}


@pytest.fixture
def write(tmp_path: Path):
    (tmp_path / "config").mkdir()

    def _write(text: str) -> Path:
        path = tmp_path / "config" / "raci.yml"
        path.write_text(text)
        return path

    return _write


def test_a_complete_file_has_no_problem(write):
    raci = read_raci(write(TEAMS + GOOD))
    assert problems(raci, SUBJECTS) == []
    assert complete(raci, SUBJECTS).accountable("connectors", "hubspot") == "crm"


def test_a_missing_accountable_is_told_with_what_to_add(write):
    raci = read_raci(write(TEAMS + GOOD.replace("    accountable: crm\n", "")))
    said = (
        "connector `hubspot` has no accountable: add `accountable: <team>` under"
        " connectors.hubspot in config/raci.yml"
    )
    assert problems(raci, SUBJECTS) == [said]
    with pytest.raises(FatalError, match=r"add `accountable: <team>` under connectors\.hubspot"):
        complete(raci, SUBJECTS)
    with pytest.raises(FatalError, match="connector `hubspot` has no accountable"):
        raci.accountable("connectors", "hubspot")


def test_something_that_has_no_entry_has_no_accountable(write):
    raci = read_raci(write(TEAMS + GOOD))
    (said,) = problems(raci, {"connectors": ["hubspot"], "journeys": ["jrn_new"]})
    assert said == (
        "journey `jrn_new` has no accountable: add `accountable: <team>` under journeys.jrn_new in"
        " config/raci.yml"
    )


def test_a_list_of_accountables_is_told_with_what_to_keep(write):
    raci = read_raci(write(TEAMS + GOOD.replace(": crm\n", ": [crm, commerce]\n")))
    (said,) = problems(raci, SUBJECTS)
    assert said == (
        "connector `hubspot` has 2 accountables, crm and commerce: keep one as `accountable: <team>`"
        " under connectors.hubspot in config/raci.yml, make the others consulted"
    )


@pytest.mark.parametrize(
    ("doubled", "key"),
    [
        (
            GOOD.replace("accountable: crm\n", "accountable: crm\n    accountable: commerce\n"),
            "accountable",
        ),
        (GOOD + "\n".join(GOOD.splitlines()[2:]), "hubspot"),
        (GOOD + GOOD, "connectors"),
    ],
)
def test_a_key_that_stands_twice_is_an_error_that_names_both_lines(write, doubled: str, key: str):
    with pytest.raises(FatalError, match=rf"`{key}` stands twice, in lines \d+ and \d+"):
        read_raci(write(TEAMS + doubled))


def test_an_entry_for_something_that_is_gone_is_told(write):
    raci = read_raci(write(TEAMS + GOOD + GOOD.split("connectors:\n")[1].replace("hubspot", "fax")))
    assert problems(raci, SUBJECTS) == [
        "connector `fax` does not exist any more: take connectors.fax out of config/raci.yml"
    ]


def test_an_unknown_team_is_told_in_every_role(write):
    raci = read_raci(write(TEAMS + GOOD.replace("crm", "sales")))
    found = problems(raci, SUBJECTS)
    assert len(found) == 2
    for role, said in zip(("responsible", "accountable"), found, strict=True):
        assert said.startswith(f"connector `hubspot` names the unknown team `sales` as {role}: add")


def test_nobody_responsible_and_a_team_named_twice_are_told(write):
    text = GOOD.replace("[crm]", "[]").replace("[commerce]", "[commerce, commerce]")
    raci = read_raci(write(TEAMS + text))
    first, second = problems(raci, SUBJECTS)
    assert "has nobody responsible: add `responsible: [<team>]`" in first
    assert "names `commerce` twice as consulted: keep it once" in second


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TEAMS.replace("crm@example.com", "nowhere") + GOOD, "teams.crm.email"),
        (TEAMS.replace("#crm", "crm") + GOOD, "teams.crm.slack"),
        (TEAMS + GOOD.replace("consulted", "consultet"), "connectors.hubspot.consultet"),
        (GOOD, "teams: Field required"),
        (TEAMS + "connectors: [", "cannot be read"),
    ],
)
def test_a_file_of_the_wrong_form_names_the_place(write, text: str, said: str):
    with pytest.raises(FatalError, match=said):
        read_raci(write(text))


def test_a_missing_file_says_which_setting_to_correct(tmp_path: Path):
    with pytest.raises(FatalError, match="ACCORD_CONFIG_DIR"):
        read_raci(tmp_path / "config" / "raci.yml")


def test_the_matrix_has_one_row_for_each_entry(write):
    (row,) = matrix(read_raci(write(TEAMS + GOOD)))
    assert row == {
        "kind": "connectors",
        "name": "hubspot",
        "responsible": ["crm"],
        "accountable": ["crm"],
        "consulted": ["commerce"],
        "informed": [],
    }
