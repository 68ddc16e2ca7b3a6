{#- JSON differs by engine; these are the only places that know how. -#}

{#- One row for each element of the JSON list in `column` (under `key` of an object where given). -#}
{% macro json_items(column, key=none) -%}
    {{ return(adapter.dispatch('json_items', 'accord')(column, key)) }}
{%- endmacro %}

{% macro duckdb__json_items(column, key) -%}
    unnest(cast(json_extract({{ column }}, '{{ '$.' ~ key if key else '$' }}') as json[]))
{%- endmacro %}

{% macro postgres__json_items(column, key) -%}
    {%- set list = "cast(" ~ column ~ " as jsonb)" ~ (" -> '" ~ key ~ "'" if key else "") -%}
    jsonb_array_elements(
        case when jsonb_typeof({{ list }}) = 'array' then {{ list }} end
    )
{%- endmacro %}

{#- Text of one member of a JSON object. -#}
{% macro json_text(item, key) -%}
    ({{ item }} ->> '{{ key }}')
{%- endmacro %}

{#- One row for each key of a JSON object. -#}
{% macro json_keys(column) -%}
    {{ return(adapter.dispatch('json_keys', 'accord')(column)) }}
{%- endmacro %}

{% macro duckdb__json_keys(column) -%}
    unnest(json_keys({{ column }}))
{%- endmacro %}

{% macro postgres__json_keys(column) -%}
    jsonb_object_keys(cast({{ column }} as jsonb))
{%- endmacro %}

{#- One row for each element of the JSON list under a key that a column holds. -#}
{% macro json_items_of(column, key_column) -%}
    {{ return(adapter.dispatch('json_items_of', 'accord')(column, key_column)) }}
{%- endmacro %}

{% macro duckdb__json_items_of(column, key_column) -%}
    unnest(cast(cast({{ column }} as json) -> {{ key_column }} as json[]))
{%- endmacro %}

{% macro postgres__json_items_of(column, key_column) -%}
    {%- set list = "cast(" ~ column ~ " as jsonb) -> " ~ key_column -%}
    jsonb_array_elements(
        case when jsonb_typeof({{ list }}) = 'array' then {{ list }} end
    )
{%- endmacro %}
