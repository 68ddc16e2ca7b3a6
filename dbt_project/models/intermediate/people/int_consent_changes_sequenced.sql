-- A vendor states what counts now and since when; what counted before stands in the versions of the
-- record that were landed before. HubSpot alone keeps the past values in the record itself.
{{ config(
    materialized='incremental',
    incremental_strategy='scoped',
    post_hook='{{ index_scope_columns() }}'
) }}

with shopify_versions as (

    select * from {{ ref('stg_shopify__customer_versions') }}
    where {{ in_scope('record:shopify.customers', 'shopify_customer_id') }}

),

klaviyo_versions as (

    select * from {{ ref('stg_klaviyo__profile_versions') }}
    where {{ in_scope('record:klaviyo.profiles', 'klaviyo_profile_id') }}

),

hubspot_contacts as (

    select * from {{ ref('stg_hubspot__contacts') }}
    where {{ in_scope('record:hubspot.contacts', 'hubspot_contact_id') }}

),

{%- set version = ['is_deleted', 'source_at', 'loaded_at', 'load_id', 'row_hash'] %}

said_in_versions as (

    {{ shopify_consent_said('shopify_versions', version) }}

    union all

    {{ klaviyo_consent_said('klaviyo_versions', version) }}

),

-- The order of `latest_version`, oldest first.
numbered as (

    select
        *,
        row_number() over (
            partition by system, record_id, purpose, channel
            order by source_at nulls first, loaded_at, load_id, row_hash
        ) as version_number,
        row_number() over (
            partition by system, record_id, purpose, channel
            order by source_at desc nulls last, loaded_at desc, load_id desc, row_hash desc
        ) as version_age
    from said_in_versions

),

-- Only a deletion that stands counts: a record that came back says for itself what holds.
followed as (

    select
        *,
        lag(source_at) over (
            partition by system, record_id, purpose, channel order by version_number
        ) as source_at_before
    from numbered
    where not is_deleted or version_age = 1

),

-- The vendor's own time counts where it lies between two versions; one that lies before the older
-- of them cannot tell when the newer one became different.
changed_in_versions as (

    select
        system,
        record_id,
        purpose,
        channel,
        version_number as position,
        status,
        is_deleted as is_end,
        case
            when
                not is_deleted
                and stated_at <= source_at
                and (source_at_before is null or stated_at > source_at_before)
                then stated_at
            else source_at
        end as changed_at
    from followed

),

hubspot_optouts as (

    {{ hubspot_property_changes('hubspot_contacts', 'hs_email_optout') }}

),

hubspot_bases as (

    {{ hubspot_property_changes('hubspot_contacts', 'hs_legal_basis') }}

),

-- A flag that is false is HubSpot's default; only one that was true before is a decision.
hubspot_decisions as (

    select
        hubspot_contact_id,
        changed_at,
        lower(property_value) as optout,
        max(case when lower(property_value) = 'true' then 1 else 0 end) over (
            partition by hubspot_contact_id order by changed_at
        ) as was_ever_true
    from hubspot_optouts

),

changed_in_hubspot as (

    select
        hubspot_contact_id as record_id,
        'marketing' as purpose,
        'email' as channel,
        1 as position,
        case
            when optout = 'true' then 'withdrawn'
            when was_ever_true = 1 then 'granted'
        end as status,
        false as is_end,
        changed_at
    from hubspot_decisions

    union all

    -- The flag counts even where its history is missing.
    select
        hubspot_contact_id as record_id,
        'marketing' as purpose,
        'email' as channel,
        2 as position,
        'withdrawn' as status,
        false as is_end,
        source_at as changed_at
    from hubspot_contacts
    where is_opted_out_of_email

    union all

    select
        hubspot_contact_id as record_id,
        'customer_relationship' as purpose,
        'crm' as channel,
        1 as position,
        case when {{ grants_customer_relationship('property_value') }} then 'granted' end as status,
        false as is_end,
        changed_at
    from hubspot_bases

    union all

    select
        hubspot_contact_id as record_id,
        'customer_relationship' as purpose,
        'crm' as channel,
        2 as position,
        case when {{ grants_customer_relationship('legal_basis') }} then 'granted' end as status,
        false as is_end,
        source_at as changed_at
    from hubspot_contacts

    union all

    select
        hubspot_contacts.hubspot_contact_id as record_id,
        subjects.purpose,
        subjects.channel,
        3 as position,
        cast(null as text) as status,
        true as is_end,
        hubspot_contacts.source_at as changed_at
    from hubspot_contacts
    cross join (
        select
            'marketing' as purpose,
            'email' as channel
        union all
        select
            'customer_relationship' as purpose,
            'crm' as channel
    ) as subjects
    where hubspot_contacts.is_deleted

),

changed as (

    select
        system,
        record_id,
        purpose,
        channel,
        position,
        status,
        is_end,
        changed_at
    from changed_in_versions

    union all

    select
        'hubspot' as system,
        record_id,
        purpose,
        channel,
        position,
        status,
        is_end,
        changed_at
    from changed_in_hubspot

),

compared as (

    select
        *,
        lag(status) over (
            partition by system, record_id, purpose, channel
            order by changed_at, position, status nulls first
        ) as status_before
    from changed

),

-- A deleted record no longer grants anything, but what it withdrew stays withdrawn.
ended as (

    select
        system,
        record_id,
        purpose,
        channel,
        case when is_end and status_before = 'withdrawn' then 'withdrawn' else status end as status,
        status_before,
        changed_at
    from compared

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
    status_before,
    changed_at
from ended
where status is distinct from status_before
