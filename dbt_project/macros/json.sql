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

{#- Text of one member of the JSON object that a text column holds; the key may hold any character. -#}
{% macro json_value(column, key) -%}
    {{ return(adapter.dispatch('json_value', 'accord')(column, key)) }}
{%- endmacro %}

{#- Quoted in a path: DuckDB would take a key such as `$message` for a path of its own. -#}
{% macro duckdb__json_value(column, key) -%}
    json_extract_string({{ column }}, '$."{{ key }}"')
{%- endmacro %}

{% macro postgres__json_value(column, key) -%}
    (cast({{ column }} as jsonb) ->> '{{ key }}')
{%- endmacro %}
