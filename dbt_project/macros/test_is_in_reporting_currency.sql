{#- Every amount has its twin in the reporting currency; those without a rate are counted. -#}
{% test is_in_reporting_currency(model, column_name, amount) %}

select {{ amount }}
from {{ model }}
where {{ amount }} is not null and {{ column_name }} is null

{% endtest %}
