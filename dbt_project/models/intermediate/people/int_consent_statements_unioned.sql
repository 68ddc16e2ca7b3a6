-- Kept as a table: a small change must not unfold the statements of everybody again.
{{ config(
    materialized='incremental',
    incremental_strategy='scoped',
    post_hook='{{ index_scope_columns() }}'
) }}

with hubspot_contacts as (

    select * from {{ ref('stg_hubspot__contacts') }}
    where {{ in_scope('record:hubspot.contacts', 'hubspot_contact_id') }}

),

shopify_customers as (

    select * from {{ ref('stg_shopify__customers') }}
    where {{ in_scope('record:shopify.customers', 'shopify_customer_id') }}

),

klaviyo_profiles as (

    select * from {{ ref('stg_klaviyo__profiles') }}
    where {{ in_scope('record:klaviyo.profiles', 'klaviyo_profile_id') }}

),

hubspot_optout_changes as (

    select
        hubspot_contacts.hubspot_contact_id,
        lower({{ json_text('changes.item', 'value') }}) as optout,
        cast({{ json_text('changes.item', 'timestamp') }} as timestamp with time zone) as changed_at
    from hubspot_contacts
    cross join lateral (
        select {{ json_items('hubspot_contacts.properties_with_history', 'hs_email_optout') }}
            as item
    ) as changes

),

hubspot_first_optouts as (

    select
        hubspot_contact_id,
        min(changed_at) as first_opted_out_at,
        max(changed_at) as last_opted_out_at
    from hubspot_optout_changes
    where optout = 'true'
    group by hubspot_contact_id

),

-- The flag counts even where its history is missing.
hubspot_optouts as (

    select
        hubspot_contacts.hubspot_contact_id,
        'withdrawn' as status,
        coalesce(hubspot_first_optouts.last_opted_out_at, hubspot_contacts.source_at) as decided_at
    from hubspot_contacts
    left join hubspot_first_optouts
        on hubspot_contacts.hubspot_contact_id = hubspot_first_optouts.hubspot_contact_id
    where
        hubspot_contacts.is_opted_out_of_email
        or hubspot_first_optouts.hubspot_contact_id is not null

),

-- A flag that is false is HubSpot's default; only one that was true before is a decision.
hubspot_optins as (

    select
        hubspot_optout_changes.hubspot_contact_id,
        'granted' as status,
        max(hubspot_optout_changes.changed_at) as decided_at
    from hubspot_optout_changes
    inner join hubspot_first_optouts
        on hubspot_optout_changes.hubspot_contact_id = hubspot_first_optouts.hubspot_contact_id
    inner join hubspot_contacts
        on hubspot_optout_changes.hubspot_contact_id = hubspot_contacts.hubspot_contact_id
    where
        hubspot_optout_changes.optout = 'false'
        and hubspot_optout_changes.changed_at > hubspot_first_optouts.first_opted_out_at
        and not coalesce(hubspot_contacts.is_opted_out_of_email, false)
    group by hubspot_optout_changes.hubspot_contact_id

),

hubspot_bases as (

    select
        hubspot_contacts.hubspot_contact_id,
        max(
            cast({{ json_text('changes.item', 'timestamp') }} as timestamp with time zone)
        ) as decided_at
    from hubspot_contacts
    cross join
        lateral (
            select {{ json_items('hubspot_contacts.properties_with_history', 'hs_legal_basis') }}
                as item
        ) as changes
    where {{ json_text('changes.item', 'value') }} = hubspot_contacts.legal_basis
    group by hubspot_contacts.hubspot_contact_id

),

hubspot_legal_bases as (

    select
        hubspot_contacts.hubspot_contact_id,
        'granted' as status,
        coalesce(hubspot_bases.decided_at, hubspot_contacts.source_at) as decided_at
    from hubspot_contacts
    left join hubspot_bases
        on hubspot_contacts.hubspot_contact_id = hubspot_bases.hubspot_contact_id
    where {{ grants_customer_relationship('hubspot_contacts.legal_basis') }}

),

klaviyo_suppressions as (

    select
        klaviyo_profiles.klaviyo_profile_id,
        max(
            cast({{ json_text('suppressions.item', 'timestamp') }} as timestamp with time zone)
        ) as suppressed_at
    from klaviyo_profiles
    cross join
        lateral (
            select {{ json_items('klaviyo_profiles.email_suppressions') }} as item
        ) as suppressions
    group by klaviyo_profiles.klaviyo_profile_id

),

unioned as (

    select
        'hubspot' as system,
        hubspot_contact_id as record_id,
        'marketing' as purpose,
        'email' as channel,
        status,
        decided_at
    from hubspot_optouts

    union all

    select
        'hubspot' as system,
        hubspot_contact_id as record_id,
        'marketing' as purpose,
        'email' as channel,
        status,
        decided_at
    from hubspot_optins

    union all

    select
        'hubspot' as system,
        hubspot_contact_id as record_id,
        'customer_relationship' as purpose,
        'crm' as channel,
        status,
        decided_at
    from hubspot_legal_bases

    union all

    select
        'shopify' as system,
        shopify_customer_id as record_id,
        'marketing' as purpose,
        'email' as channel,
        {{ shopify_consent_status('email_marketing_state') }} as status,
        coalesce(email_marketing_updated_at, source_at) as decided_at
    from shopify_customers

    union all

    select
        'shopify' as system,
        shopify_customer_id as record_id,
        'marketing' as purpose,
        'sms' as channel,
        {{ shopify_consent_status('sms_marketing_state') }} as status,
        coalesce(sms_marketing_updated_at, source_at) as decided_at
    from shopify_customers

    union all

    -- A suppressed address gets nothing, whatever its consent says.
    select
        'klaviyo' as system,
        klaviyo_profiles.klaviyo_profile_id as record_id,
        'marketing' as purpose,
        'email' as channel,
        case
            when klaviyo_suppressions.klaviyo_profile_id is not null then 'withdrawn'
            else {{ klaviyo_consent_status('klaviyo_profiles.email_consent') }}
        end as status,
        coalesce(
            klaviyo_suppressions.suppressed_at,
            klaviyo_profiles.email_consent_at,
            klaviyo_profiles.source_at
        ) as decided_at
    from klaviyo_profiles
    left join klaviyo_suppressions
        on klaviyo_profiles.klaviyo_profile_id = klaviyo_suppressions.klaviyo_profile_id

    union all

    select
        'klaviyo' as system,
        klaviyo_profile_id as record_id,
        'marketing' as purpose,
        'sms' as channel,
        {{ klaviyo_consent_status('sms_consent') }} as status,
        coalesce(sms_consent_at, source_at) as decided_at
    from klaviyo_profiles

),

persons as (

    select
        'hubspot' as system,
        hubspot_contact_id as record_id,
        is_deleted
    from hubspot_contacts

    union all

    select
        'shopify' as system,
        shopify_customer_id as record_id,
        is_deleted
    from shopify_customers

    union all

    select
        'klaviyo' as system,
        klaviyo_profile_id as record_id,
        is_deleted
    from klaviyo_profiles

)

select
    case when unioned.system = 'hubspot' then unioned.record_id end as hubspot_contact_id,
    case when unioned.system = 'shopify' then unioned.record_id end as shopify_customer_id,
    case when unioned.system = 'klaviyo' then unioned.record_id end as klaviyo_profile_id,
    unioned.system,
    unioned.record_id,
    unioned.purpose,
    unioned.channel,
    unioned.status,
    unioned.decided_at,
    persons.is_deleted
from unioned
inner join persons
    on unioned.system = persons.system
        and unioned.record_id = persons.record_id
where unioned.status is not null
