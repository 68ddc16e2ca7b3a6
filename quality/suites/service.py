"""What people do in the CRM by hand."""

from quality.rules import Suite
from quality.suites.phrases import (
    no_rows,
    not_before,
    one_of,
    present,
    unique,
    usual_volume,
)

MANUAL_OPERATIONS = Suite(
    name="manual_operations_are_complete_and_unique",
    table="core.fct_manual_operations",
    rows_due=False,
    expected=8,
    rules=(
        usual_volume("fct_manual_operations"),
        present("manual_operation_id", "every operation has an id"),
        unique("manual_operation_id", "an operation is one row"),
        present("property_name", "every operation names what was changed"),
        present("changed_at", "every operation has a date"),
        one_of("corrected_by", ("human", "integration"), "people or integrations correct"),
        not_before("corrected_at", "changed_at", "nothing is corrected before it is changed"),
        no_rows(
            "select m.manual_operation_id from {batch} m left join core.dim_customers c "
            "on c.customer_id = m.customer_id where c.customer_id is null",
            "the customer of an operation exists",
        ),
    ),
)
