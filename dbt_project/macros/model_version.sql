{#-
    `scope.model_version` names the build that the common model comes from. Whatever builds a core
    model withdraws it, a dbt run by hand too; the refresh alone writes it, once every core model
    was built for the candidate in scope, so that a verdict on it never covers other data.
-#}
{% macro withdraw_model_version() -%}
    {%- if execute and flags.WHICH in ('run', 'build') and selects_core(selected_resources) -%}
        delete from scope.model_version;
    {%- endif -%}
{%- endmacro %}

{% macro selects_core(resources) -%}
    {%- set found = [] -%}
    {%- for unique_id in resources if unique_id in graph.nodes -%}
        {%- set node = graph.nodes[unique_id] -%}
        {%- if node.resource_type == 'model' and node.schema == 'core' -%}
            {%- do found.append(unique_id) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found | length > 0) }}
{%- endmacro %}
