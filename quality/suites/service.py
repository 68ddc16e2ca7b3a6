"""What the service hears and does: cases, survey answers, changes made by hand."""

from quality.rules import Suite
from quality.suites.phrases import (
    DELETED,
    at_least,
    hold,
    no_rows,
    not_before,
    one_of,
    present,
    unique,
    usual_volume,
)

SERVICE_CASES = Suite(
    name="service_cases_are_complete_and_unique",
    table="core.fct_service_cases",
    key=("service_case_id",),
    customer="customer_id",
    exempt=DELETED,
    rows_due=False,
    expected=6,
    rules=(
        usual_volume("fct_service_cases"),
        present("service_case_id", "every case has an id"),
        unique("service_case_id", "a case is one row"),
        hold(present("opened_at", "every case has a date")),
        present("is_open", "every case is marked as open or not"),
        hold(at_least("hours_to_close", 0, "no case is closed before it is opened")),
    ),
)

SURVEY_ANSWERS = Suite(
    name="survey_answers_are_complete_and_unique",
    table="core.fct_survey_answers",
    key=("survey_answer_id",),
    customer="customer_id",
    exempt=DELETED,
    rows_due=False,
    expected=6,
    rules=(
        usual_volume("fct_survey_answers"),
        present("survey_answer_id", "every answer has an id"),
        unique("survey_answer_id", "an answer is one row"),
        hold(at_least("score", 0, "scores lie between 0 and 10", 10)),
        hold(one_of("nps_group", ("detractor", "passive", "promoter"), "groups are known ones")),
        hold(present("submitted_at", "every answer has a date")),
    ),
)

MANUAL_OPERATIONS = Suite(
    name="manual_operations_are_complete_and_unique",
    table="core.fct_manual_operations",
    key=("manual_operation_id",),
    customer="customer_id",
    rows_due=False,
    expected=8,
    rules=(
        usual_volume("fct_manual_operations"),
        present("manual_operation_id", "every operation has an id"),
        unique("manual_operation_id", "an operation is one row"),
        hold(present("property_name", "every operation names what was changed")),
        hold(present("changed_at", "every operation has a date")),
        hold(one_of("corrected_by", ("human", "integration"), "people or integrations correct")),
        hold(not_before("corrected_at", "changed_at", "nothing is corrected before it is changed")),
        hold(
            no_rows(
                "select m.manual_operation_id from {batch} m left join core.dim_customers c "
                "on c.customer_id = m.customer_id where c.customer_id is null",
                "the customer of an operation exists",
            )
        ),
    ),
)
