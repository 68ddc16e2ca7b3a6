with source as (

    select * from {{ source('shopify', 'customers') }}
    where {{ in_scope('record:shopify.customers', '_record_id') }}
        and {{ is_readable('shopify', 'customers') }}

),

versioned as (

    {{ latest_version('source') }}

),

renamed as (

    select
        _record_id as shopify_customer_id,
        first_name,
        last_name,
        email,
        phone,
        email_marketing_state,
        email_marketing_opt_in_level,
        email_marketing_updated_at,
        sms_marketing_state,
        sms_marketing_updated_at,
        address1 as address,
        city,
        zip as postal_code,
        country_code,
        state as account_state,
        cast(number_of_orders as bigint) as order_count,
        cast(amount_spent as decimal(18, 2)) as amount_spent,
        amount_spent_currency as amount_spent_currency_code,
        locale,
        tags,
        verified_email as is_email_verified,
        created_at,
        updated_at as modified_at,
        _latest_is_deleted as is_deleted,
        _latest_source_at as source_at,
        _first_loaded_at as first_loaded_at
    from versioned
    where _version_rank = 1

)

select * from renamed
