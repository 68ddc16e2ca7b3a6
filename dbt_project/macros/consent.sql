{#-
    What a vendor's records say about consent. Here because two models read it: what counts now
    (`int_consent_statements_unioned`) from the newest record, and when it changed
    (`int_consent_changes_sequenced`) from all versions of it. `status` is `granted`, `withdrawn`, or
    null where nothing is stated; `stated_at` is the vendor's own time of it, null where it names none.
-#}

{#- One row for each channel of each row of `customers`, with the columns `carried` beside it. -#}
{% macro shopify_consent_said(customers, carried) -%}
    {%- for channel in ['email', 'sms'] %}
    select
        'shopify' as system,
        shopify_customer_id as record_id,
        'marketing' as purpose,
        '{{ channel }}' as channel,
        case {{ channel }}_marketing_state
            when 'SUBSCRIBED' then 'granted'
            when 'UNSUBSCRIBED' then 'withdrawn'
            when 'REDACTED' then 'withdrawn'
        end as status,
        {{ channel }}_marketing_updated_at as stated_at,
        {{ carried | join(', ') }}
    from {{ customers }}
    {{- '\n\n    union all\n' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#-
    One row for each channel of each row of `profiles`, with the columns `carried` beside it. A
    suppressed address gets nothing, whatever its consent says.
-#}
{% macro klaviyo_consent_said(profiles, carried) -%}
    select
        'klaviyo' as system,
        klaviyo_profile_id as record_id,
        'marketing' as purpose,
        'email' as channel,
        case
            when suppressions.is_suppressed then 'withdrawn'
            else {{ klaviyo_consent_status('email_consent') }}
        end as status,
        coalesce(suppressions.suppressed_at, email_consent_at) as stated_at,
        {{ carried | join(', ') }}
    from {{ profiles }}
    cross join lateral (
        select
            count(*) > 0 as is_suppressed,
            max(cast({{ json_text('items.item', 'timestamp') }} as timestamp with time zone))
                as suppressed_at
        from (select {{ json_items(profiles ~ '.email_suppressions') }} as item) as items
    ) as suppressions

    union all

    select
        'klaviyo' as system,
        klaviyo_profile_id as record_id,
        'marketing' as purpose,
        'sms' as channel,
        {{ klaviyo_consent_status('sms_consent') }} as status,
        sms_consent_at as stated_at,
        {{ carried | join(', ') }}
    from {{ profiles }}
{%- endmacro %}

{% macro klaviyo_consent_status(column) -%}
    case {{ column }}
        when 'SUBSCRIBED' then 'granted'
        when 'UNSUBSCRIBED' then 'withdrawn'
    end
{%- endmacro %}

{#- Each value that a property of `contacts` had, and since when: HubSpot keeps them in the record. -#}
{% macro hubspot_property_changes(contacts, property) -%}
    select
        {{ contacts }}.hubspot_contact_id,
        {{ json_text('changes.item', 'value') }} as property_value,
        cast({{ json_text('changes.item', 'timestamp') }} as timestamp with time zone) as changed_at
    from {{ contacts }}
    cross join lateral (
        select {{ json_items(contacts ~ '.properties_with_history', property) }} as item
    ) as changes
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
