{#-
    Creates the raw tables that no landing has made yet, empty and typed by the sources, so that a
    deployment without one of the systems builds the same models.
-#}
{% macro create_missing_raw_tables() -%}
    {%- if execute and flags.WHICH in ('run', 'build') -%}
        {%- set found = run_query(
            "select table_schema || '.' || table_name from information_schema.tables"
            ~ " where table_catalog = current_database() and table_schema like 'raw%'"
        ).columns[0].values() | list -%}
        {%- for source in graph.sources.values()
            if source.schema.startswith('raw_') and source.schema ~ '.' ~ source.name not in found %}
            create schema if not exists {{ source.schema }};
            create table if not exists {{ source.schema }}.{{ source.name }} (
                {%- for column in source.columns.values() %}
                {{ column.name }} {{ column.data_type }}{{ ',' if not loop.last }}
                {%- endfor %}
            );
        {%- endfor %}
    {%- endif -%}
{%- endmacro %}

{#-
    True for the rows of a raw table that the model may read: those of loads that a release took in
    or that are in scope. The landing gate lets loads into the scope; what it holds, and what has not
    been judged, is not there for the model. Every reading of a raw table asks this.
-#}
{% macro is_readable(system, stream) -%}
    {{ is_of_loads(ref('stg_scope__readable_loads'), system, stream) }}
{%- endmacro %}

{#- True for the rows that the landing gate holds: read for what they withdraw, and nothing else. -#}
{% macro is_held(system, stream) -%}
    {{ is_of_loads(ref('stg_scope__held_loads'), system, stream) }}
{%- endmacro %}

{% macro is_of_loads(loads, system, stream) -%}
    _dlt_load_id in (
        select listed.load_id from {{ loads }} as listed
        where listed.system = '{{ system }}' and listed.stream = '{{ stream }}'
    )
{%- endmacro %}
