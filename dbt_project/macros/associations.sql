{#-
    Identifier of the first object of one type that a HubSpot record is linked to, null where there
    is none. `associations` is the JSON object that the connector reads, links in order of identifier.
-#}
{% macro first_association(column, object_type) -%}
    {{ return(adapter.dispatch('first_association', 'accord')(column, object_type)) }}
{%- endmacro %}

{% macro duckdb__first_association(column, object_type) -%}
    json_extract_string({{ column }}, '$.{{ object_type }}.results[0].id')
{%- endmacro %}

{% macro postgres__first_association(column, object_type) -%}
    (cast({{ column }} as jsonb) #>> '{ {{- object_type }},results,0,id}')
{%- endmacro %}
