{#- Rank of a system's word for an attribute, from `vars.survivorship`; 1 counts first. -#}
{% macro trust_rank(attribute, system) -%}
    case {{ system }}
        {%- for name in var('survivorship')[attribute] %}
        when '{{ name }}' then {{ loop.index }}
        {%- endfor %}
        else {{ var('survivorship')[attribute] | length + 1 }}
    end
{%- endmacro %}
