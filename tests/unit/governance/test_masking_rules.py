"""How each class of column is shown, and that a column without a class is not."""

from pathlib import Path

import pytest

from orchestration_assets.errors import FatalError
from orchestration_assets.governance.masking import apply_masking
from orchestration_assets.governance.masking_rules import rule_for, with_keys_alike
from orchestration_assets.model import PersonalData
from orchestration_assets.stages.masking import classes_of
from orchestration_assets.transform.project import ensure_manifest, load_nodes
from orchestration_assets.warehouse.engine import open_warehouse
from orchestration_assets.warehouse.released_tables import RELEASED_TABLES


@pytest.mark.parametrize(
    ("name", "kind", "personal_data", "words"),
    [
        ("order_count", "integer", "behaviour", "as it is"),
        ("currency_code", "text", "none", "as it is"),
        ("customer_id", "text", "identifier", "salted hash, the same in every table"),
        ("account_id", "text", "profile", "salted hash, the same in every table"),
        ("email", "text", "contact", "domain of an e-mail address, salted hash of anything else"),
        ("contact_count", "integer", "contact", "not shown"),
        ("first_name", "text", "identifier", "not shown"),
        ("country_code", "text", "profile", "as it is"),
        ("is_granted", "boolean", "profile", "as it is"),
        ("postal_code", "text", "profile", "first two characters"),
        ("decided_at", "timestamp with time zone", "profile", "first day of the year"),
        ("comment", "text", "profile", "not shown"),
    ],
)
def test_a_column_is_shown_by_its_class(name: str, kind: str, personal_data: str, words: str):
    rule = rule_for(name, kind, personal_data)
    assert rule is not None
    assert rule.words == words


@pytest.mark.parametrize("personal_data", [None, "", "secret"])
def test_a_column_without_a_known_class_has_no_rule(personal_data: str | None):
    assert rule_for("anything", "text", personal_data) is None


@pytest.mark.parametrize("personal_data", list(PersonalData))
@pytest.mark.parametrize("kind", ["text", "integer", "numeric(18,2)", "jsonb", "date", "text[]"])
def test_every_class_has_a_rule_for_every_type(personal_data: PersonalData, kind: str):
    assert rule_for("anything", kind, personal_data) is not None


def test_a_key_that_is_personal_in_one_table_is_masked_in_all():
    found = with_keys_alike(
        {
            "dim_accounts": {"account_id": "none", "name": "none"},
            "dim_customers": {"account_id": "profile", "product_id": "none"},
            "fct_new": {"account_id": None},
        }
    )
    assert found == {
        "dim_accounts": {"account_id": "identifier", "name": "none"},
        "dim_customers": {"account_id": "profile", "product_id": "none"},
        "fct_new": {"account_id": None},
    }


def test_the_classes_are_those_of_the_whole_released_model():
    classes = classes_of("duckdb")
    assert set(classes) == set(RELEASED_TABLES)
    assert classes["dim_customers"]["email"] == "contact"
    without = [
        f"{t}.{c}" for t, columns in classes.items() for c, kind in columns.items() if not kind
    ]
    assert without == []


def test_a_class_that_is_left_out_in_the_yml_is_read_as_none_at_all():
    columns = [
        column
        for node in load_nodes(ensure_manifest())
        if node.unique_id.startswith("source.") and node.schema == "identity"
        for column in node.columns
    ]
    assert None in {column.personal_data for column in columns}


def test_duckdb_says_that_it_knows_no_roles(tmp_path: Path):
    warehouse = open_warehouse(f"duckdb:///{tmp_path / 'w.duckdb'}", tmp_path)
    with pytest.raises(FatalError, match="DuckDB knows no roles") as caught:
        apply_masking(warehouse, {}, "anybody", "a long text that nobody guesses")
    assert "ACCORD_WAREHOUSE_URL" in caught.value.next_step
