{#- ISO 3166 code of a country that people typed; null where it is neither a code nor a known name. -#}
{% macro country_code(column) -%}
    case
        {%- for code, names in var('country_names').items() %}
        when lower(trim({{ column }})) in ('{{ names | join("', '") }}') then '{{ code }}'
        {%- endfor %}
        when length(trim({{ column }})) = 2 then upper(trim({{ column }}))
    end
{%- endmacro %}
