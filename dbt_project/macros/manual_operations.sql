{#- Whether a person made a change in the CRM with their own hands, by `vars.manual_sources`. -#}
{% macro is_by_hand(source_type) -%}
    {{ source_type }} in ('{{ var('manual_sources') | join("', '") }}')
{%- endmacro %}
