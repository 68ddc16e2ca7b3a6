{#-
    `scope.model_version` names the build that the common model comes from. It is withdrawn before a
    build and written only when every selected core model was built, so that a verdict on it never
    covers other data.
-#}
{% macro withdraw_model_version() -%}
    {%- if execute and flags.WHICH in ('run', 'build') and selects_core(selected_resources) -%}
        delete from scope.model_version;
    {%- endif -%}
{%- endmacro %}

{% macro write_model_version(results) -%}
    {%- if execute and flags.WHICH in ('run', 'build') and selects_core(selected_resources) -%}
        {%- set failed = [] -%}
        {%- for result in results
            if result.node.resource_type == 'model' and 'core' in result.node.tags
            and result.status != 'success' -%}
            {%- do failed.append(result.node.name) -%}
        {%- endfor -%}
        {%- if not failed %}
        delete from scope.model_version;
        insert into scope.model_version (version, built_at)
        values ('{{ invocation_id }}', current_timestamp);
        {%- endif -%}
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
