{#- What was done, in one lower-case word or two: the metric's name without its channel. -#}
{% macro interaction_action(metric_name) -%}
    replace(
        trim(replace(replace(lower({{ metric_name }}), ' email', ''), ' sms', '')), ' ', '_'
    )
{%- endmacro %}
