{#-
    Post-hook of core models: a table that was made anew may differ from what was released beyond the
    scope, so that the gates and the release have to look at all of its rows.
-#}
{% macro note_rebuilt() -%}
    {%- if execute and not is_incremental() %}
    insert into scope.rebuilt (table_name) values ('{{ this.name }}');
    {%- endif -%}
{%- endmacro %}
