with customer_records as (

    select * from {{ ref('stg_identity__customer_records') }}
    where
        system = 'hubspot'
        and {{ in_scope('customers', 'customer_id') }}

),

-- Most contacts were never edited by hand, and unfolding a history costs more than a look at it.
contacts as (

    select
        customer_records.customer_id,
        contacts.hubspot_contact_id,
        contacts.properties_with_history,
        contacts.source_at
    from customer_records
    inner join {{ ref('stg_hubspot__contacts') }} as contacts
        on customer_records.record_id = contacts.hubspot_contact_id
    where
        {% for source in var('manual_sources') -%}
            {{ 'or ' if not loop.first }}contacts.properties_with_history like '%{{ source }}%'
        {% endfor %}
),

properties as (

    select
        contacts.customer_id,
        contacts.hubspot_contact_id,
        contacts.source_at,
        contacts.properties_with_history,
        names.property_name
    from contacts
    cross join lateral (
        select {{ json_keys('contacts.properties_with_history') }} as property_name
    ) as names

),

versions as (

    select
        properties.customer_id,
        properties.hubspot_contact_id,
        properties.property_name,
        properties.source_at,
        coalesce({{ json_text('versions.item', 'value') }}, '') as property_value,
        {{ json_text('versions.item', 'timestamp') }} as changed_at_text,
        cast({{ json_text('versions.item', 'timestamp') }} as timestamp with time zone)
            as changed_at,
        {{ json_text('versions.item', 'sourceType') }} as source_type,
        replace(
            coalesce(
                {{ json_text('versions.item', 'updatedByUserId') }},
                {{ json_text('versions.item', 'sourceId') }}
            ), 'userId:', ''
        ) as crm_user_id
    from properties
    cross join lateral (
        select {{ json_items_of('properties.properties_with_history', 'properties.property_name') }}
            as item
    ) as versions

),

-- Of values of one instant the last in a fixed order counts.
dated as (

    select
        *,
        row_number() over (
            partition by hubspot_contact_id, property_name, changed_at
            order by source_type desc, property_value desc
        ) as rank_in_instant
    from versions

),

sequenced as (

    select
        *,
        lag(property_value) over (
            partition by hubspot_contact_id, property_name order by changed_at
        ) as previous_value
    from dated
    where rank_in_instant = 1

),

-- A value that was written again unchanged is neither an operation nor a correction.
changes as (

    select
        *,
        previous_value is null as is_first_value,
        lead(changed_at) over (
            partition by hubspot_contact_id, property_name order by changed_at
        ) as next_changed_at,
        lead(source_type) over (
            partition by hubspot_contact_id, property_name order by changed_at
        ) as next_source_type
    from sequenced
    where previous_value is null or previous_value <> property_value

),

judged as (

    select
        *,
        coalesce(
            next_changed_at <= changed_at
            + interval '{{ var("correction_window_days") | int }} days',
            false
        ) as was_corrected
    from changes
    where {{ is_by_hand('source_type') }}

)

select
    {{ our_id("'hubspot'", 'hubspot_contact_id') }} || ':' || property_name || ':' || changed_at_text
        as manual_operation_id,
    customer_id,
    'hubspot' as system,
    hubspot_contact_id,
    property_name,
    crm_user_id,
    changed_at,
    is_first_value,
    was_corrected,
    case when was_corrected then next_changed_at end as corrected_at,
    case
        when not was_corrected then null
        when {{ is_by_hand('next_source_type') }} then 'human'
        else 'integration'
    end as corrected_by,
    source_at as updated_at
from judged
