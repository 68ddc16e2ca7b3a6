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

    {{ hubspot_property_changes('hubspot_contacts', 'hs_email_optout') }}

),

hubspot_basis_changes as (

    {{ hubspot_property_changes('hubspot_contacts', 'hs_legal_basis') }}

),

hubspot_first_optouts as (

    select
        hubspot_contact_id,
        min(changed_at) as first_opted_out_at,
        max(changed_at) as last_opted_out_at
    from hubspot_optout_changes
    where lower(property_value) = 'true'
    group by hubspot_contact_id

),

-- The flag counts even where its history is missing.
hubspot_optouts as (

    select
        hubspot_contacts.hubspot_contact_id,
        'marketing' as purpose,
        'email' as channel,
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
        'marketing' as purpose,
        'email' as channel,
        'granted' as status,
        max(hubspot_optout_changes.changed_at) as decided_at
    from hubspot_optout_changes
    inner join hubspot_first_optouts
        on hubspot_optout_changes.hubspot_contact_id = hubspot_first_optouts.hubspot_contact_id
    inner join hubspot_contacts
        on hubspot_optout_changes.hubspot_contact_id = hubspot_contacts.hubspot_contact_id
    where
        lower(hubspot_optout_changes.property_value) = 'false'
        and hubspot_optout_changes.changed_at > hubspot_first_optouts.first_opted_out_at
        and not coalesce(hubspot_contacts.is_opted_out_of_email, false)
    group by hubspot_optout_changes.hubspot_contact_id

),

hubspot_bases as (

    select
        hubspot_contacts.hubspot_contact_id,
        max(hubspot_basis_changes.changed_at) as decided_at
    from hubspot_contacts
    inner join hubspot_basis_changes
        on hubspot_contacts.hubspot_contact_id = hubspot_basis_changes.hubspot_contact_id
            and hubspot_contacts.legal_basis = hubspot_basis_changes.property_value
    group by hubspot_contacts.hubspot_contact_id

),

hubspot_legal_bases as (

    select
        hubspot_contacts.hubspot_contact_id,
        'customer_relationship' as purpose,
        'crm' as channel,
        'granted' as status,
        coalesce(hubspot_bases.decided_at, hubspot_contacts.source_at) as decided_at
    from hubspot_contacts
    left join hubspot_bases
        on hubspot_contacts.hubspot_contact_id = hubspot_bases.hubspot_contact_id
    where {{ grants_customer_relationship('hubspot_contacts.legal_basis') }}

),

hubspot_said as (

    select * from hubspot_optouts
    union all
    select * from hubspot_optins
    union all
    select * from hubspot_legal_bases

),

{%- set record = ['is_deleted', 'source_at'] %}

said_in_records as (

    {{ shopify_consent_said('shopify_customers', record) }}

    union all

    {{ klaviyo_consent_said('klaviyo_profiles', record) }}

),

unioned as (

    select
        'hubspot' as system,
        hubspot_said.hubspot_contact_id as record_id,
        hubspot_said.purpose,
        hubspot_said.channel,
        hubspot_said.status,
        hubspot_said.decided_at,
        hubspot_contacts.is_deleted
    from hubspot_said
    inner join hubspot_contacts
        on hubspot_said.hubspot_contact_id = hubspot_contacts.hubspot_contact_id

    union all

    select
        system,
        record_id,
        purpose,
        channel,
        status,
        coalesce(stated_at, source_at) as decided_at,
        is_deleted
    from said_in_records

)

select
    case when system = 'hubspot' then record_id end as hubspot_contact_id,
    case when system = 'shopify' then record_id end as shopify_customer_id,
    case when system = 'klaviyo' then record_id end as klaviyo_profile_id,
    system,
    record_id,
    purpose,
    channel,
    status,
    decided_at,
    is_deleted
from unioned
where status is not null
