{#- The current rows of a history say what another model says now, for the same keys, and no more. -#}
{% test current_rows_agree_with(model, to, keys, column) %}

select {% for key in keys %}coalesce(history.{{ key }}, now.{{ key }}) as {{ key }}{{ ', ' if not loop.last }}{% endfor %}
from (select * from {{ model }} where is_current) as history
full join {{ to }} as now
    on {% for key in keys %}{{ ' and ' if not loop.first }}history.{{ key }} = now.{{ key }}{% endfor %}
where history.{{ column }} is distinct from now.{{ column }}

{% endtest %}
