{#-
    What is in scope. A model names it in `config.meta.scope`, column to kind:

    customers                  customer ids touched by this refresh
    record:<system>.<stream>   the vendor's record ids of a stream
    id:<system>.<stream>       our ids of its records, `<system>:<record id>`

    A row is in scope where any of the columns is.
-#}

{#- Condition on a column: true everywhere where the model is built in full. -#}
{% macro in_scope(kind, column) -%}
    {%- set members = scope_members(kind) -%}
    {%- if is_incremental() -%}
        {{ column }} in ({{ members }})
    {%- else -%}
        1 = 1
    {%- endif -%}
{%- endmacro %}

{#-
    All rows of a table that are in scope and keep a further condition. DuckDB finds them by the few
    columns and reads the others of a wide table only where they are; said as one condition, it would
    unpack everything.
-#}
{% macro rows_in_scope(relation, kind, column, condition='1 = 1') -%}
    {{ return(adapter.dispatch('rows_in_scope', 'accord')(relation, kind, column, condition)) }}
{%- endmacro %}

{% macro default__rows_in_scope(relation, kind, column, condition) -%}
    select * from {{ relation }}
    where {{ in_scope(kind, column) }} and {{ condition }}
{%- endmacro %}

{% macro duckdb__rows_in_scope(relation, kind, column, condition) -%}
    {%- set scoped = in_scope(kind, column) -%}
    select * from {{ relation }}
    {%- if is_incremental() %}
    where rowid in (select rowid from {{ relation }} where {{ scoped }} and {{ condition }})
    {%- else %}
    where {{ condition }}
    {%- endif %}
{%- endmacro %}

{% macro scope_members(kind) -%}
    {%- if kind == 'customers' -%}
        select scoped.customer_id from {{ ref('stg_scope__customers') }} as scoped
    {%- else -%}
        {%- set form, stream_key = kind.split(':') -%}
        {%- set system, stream = stream_key.split('.') -%}
        {%- set value = 'scoped.record_id' if form == 'record' else our_id('scoped.system', 'scoped.record_id') -%}
        select {{ value }} from {{ ref('stg_scope__records') }} as scoped
        where scoped.system = '{{ system }}' and scoped.stream = '{{ stream }}'
    {%- endif -%}
{%- endmacro %}

{% macro our_id(system, record_id) -%}
    {{ system }} || ':' || {{ record_id }}
{%- endmacro %}

{#-
    Incremental strategy: delete what is in scope, then insert what the model now says about the
    scope. Rows that are no longer there go too, which a merge would leave behind.
-#}
{% macro get_incremental_scoped_sql(arg_dict) -%}
    {%- set target = arg_dict['target_relation'] -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    delete from {{ target }}
    where
    {%- for column, kind in scope_of(model).items() %}
        {{ 'or ' if not loop.first }}{{ column }} in ({{ scope_members(kind) }})
    {%- endfor %};
    insert into {{ target }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }}
{%- endmacro %}

{% macro scope_of(node) %}
    {%- set scope = node.config.get('meta', {}).get('scope') -%}
    {%- if not scope -%}
        {{ exceptions.raise_compiler_error(
            node.name ~ ' is built by scope but names none: set config.meta.scope in its .yml.'
        ) }}
    {%- endif -%}
    {{ return(scope) }}
{% endmacro %}

{#- Post-hook of a full build: the columns that later builds look rows up by. -#}
{% macro index_scope_columns() -%}
    {{ return(adapter.dispatch('index_scope_columns', 'accord')()) }}
{%- endmacro %}

{#- DuckDB scans columns fast and pays for indexes at every write. -#}
{% macro default__index_scope_columns() -%}{%- endmacro %}

{% macro postgres__index_scope_columns() -%}
    {%- if execute and model.config.materialized == 'incremental' and not is_incremental() -%}
        {%- for column in scope_of(model) %}
            create index on {{ this }} ({{ column }});
        {%- endfor %}
        analyze {{ this }};
    {%- endif -%}
{%- endmacro %}
