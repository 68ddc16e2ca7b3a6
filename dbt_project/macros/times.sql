{#- Time at a whole number of days before another. -#}
{% macro days_before(timestamp, days) -%}
    ({{ timestamp }} - interval '{{ days | int }} days')
{%- endmacro %}

{#- Calendar day in UTC, whatever the session's time zone. -#}
{% macro utc_date(timestamp) -%}
    cast({{ timestamp }} at time zone 'UTC' as date)
{%- endmacro %}
