with source as (

    select * from {{ source('shopify', 'subscription_contracts') }}
    where {{ in_scope('record:shopify.subscription_contracts', '_record_id') }}
        and {{ is_readable('shopify', 'subscription_contracts') }}

),

versioned as (

    {{ latest_version('source') }}

),

renamed as (

    select
        _record_id as shopify_subscription_contract_id,
        customer_id as shopify_customer_id,
        status,
        currency_code,
        cast(recurring_amount as decimal(18, 2)) as recurring_amount,
        billing_interval,
        cast(billing_interval_count as integer) as billing_interval_count,
        next_billing_at,
        created_at,
        updated_at as modified_at,
        _latest_is_deleted as is_deleted,
        _latest_source_at as source_at,
        _first_loaded_at as first_loaded_at
    from versioned
    where _version_rank = 1

)

select * from renamed
