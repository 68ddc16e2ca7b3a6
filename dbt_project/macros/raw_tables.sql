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
