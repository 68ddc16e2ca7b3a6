{#-
    Ranks the landed versions of each record; rank 1 is the one to show. Order is the source's own
    time, so that a version that comes late never replaces a newer one; among equal times the later
    load counts. A deletion carries few values, so the last living version is shown with
    `_latest_is_deleted`.
-#}
{% macro latest_version(relation) -%}
    {%- set newest_first -%}
        _source_at desc nulls last, _loaded_at desc, _dlt_load_id desc, _row_hash desc
    {%- endset -%}
    select
        *,
        row_number() over (
            partition by _record_id order by _is_deleted, {{ newest_first }}
        ) as _version_rank,
        first_value(_is_deleted) over (
            partition by _record_id order by {{ newest_first }}
        ) as _latest_is_deleted,
        max(_source_at) over (partition by _record_id) as _latest_source_at,
        min(_loaded_at) over (partition by _record_id) as _first_loaded_at
    from {{ relation }}
{%- endmacro %}
