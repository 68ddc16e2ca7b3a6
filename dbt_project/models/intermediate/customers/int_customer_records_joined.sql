with person_records as (

    select * from {{ ref('int_person_records_unioned') }}

),

customer_records as (

    select * from {{ ref('stg_identity__customer_records') }}

),

joined as (

    select
        customer_records.customer_id,
        person_records.system,
        person_records.record_id,
        customer_records.email,
        customer_records.phone_e164,
        nullif(trim(person_records.first_name), '') as first_name,
        nullif(trim(person_records.last_name), '') as last_name,
        nullif(trim(person_records.city), '') as city,
        nullif(trim(person_records.postal_code), '') as postal_code,
        person_records.country_code,
        person_records.is_deleted,
        person_records.created_at,
        person_records.source_at
    from customer_records
    inner join person_records
        on customer_records.system = person_records.system
            and customer_records.record_id = person_records.record_id

)

select * from joined
