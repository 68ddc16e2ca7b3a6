{#- Schemas have plain names: a deployment has a warehouse of its own, not a prefix in a shared one. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}
