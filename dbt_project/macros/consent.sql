{#- What a vendor's own words say about consent; null where they state nothing. -#}

{% macro shopify_consent_status(column) -%}
    case {{ column }}
        when 'SUBSCRIBED' then 'granted'
        when 'UNSUBSCRIBED' then 'withdrawn'
        when 'REDACTED' then 'withdrawn'
    end
{%- endmacro %}

{% macro klaviyo_consent_status(column) -%}
    case {{ column }}
        when 'SUBSCRIBED' then 'granted'
        when 'UNSUBSCRIBED' then 'withdrawn'
    end
{%- endmacro %}

{#-
    Legal bases of HubSpot that allow to keep a customer's record up to date. A contact may have
    several, parted by semicolons; the dash differs between accounts.
-#}
{% macro grants_customer_relationship(column) -%}
    (
        {%- for basis in [
            'Legitimate interest - existing customer',
            'Performance of a contract',
            'Freely given consent from contact',
        ] %}
        {{ 'or ' if not loop.first }}';' || replace({{ column }}, '–', '-') || ';' like '%;{{ basis }};%'
        {%- endfor %}
    )
{%- endmacro %}
