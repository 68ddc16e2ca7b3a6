-- A gate can hold a grant, never a restriction: what held records withdraw counts all the same.
{{ config(materialized='view') }}

with hubspot_contacts as (

    select * from {{ ref('stg_hubspot__contacts_held') }}

),

shopify_customers as (

    select * from {{ ref('stg_shopify__customers_held') }}

),

klaviyo_profiles as (

    select * from {{ ref('stg_klaviyo__profiles_held') }}

),

{%- set record = ['email', 'source_at'] %}

unioned as (

    select
        'hubspot' as system,
        hubspot_contact_id as record_id,
        'marketing' as purpose,
        'email' as channel,
        'withdrawn' as status,
        source_at as stated_at,
        email,
        source_at
    from hubspot_contacts
    where is_opted_out_of_email

    union all

    {{ shopify_consent_said('shopify_customers', record) }}

    union all

    {{ klaviyo_consent_said('klaviyo_profiles', record) }}

)

select
    system,
    record_id,
    purpose,
    channel,
    coalesce(stated_at, source_at) as decided_at,
    email
from unioned
where status = 'withdrawn'
