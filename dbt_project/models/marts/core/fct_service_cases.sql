-- Whole hundredths of an hour; a clock that went back at the vendor makes no negative time.
with tickets as (

    select
        *,
        case
            when closed_at >= created_at
                then floor(extract(epoch from closed_at - created_at) / 36)
            when closed_at is not null then 0
        end as hundredths
    from {{ ref('stg_hubspot__tickets') }}
    where {{ in_scope('record:hubspot.tickets', 'hubspot_ticket_id') }}

),

customer_records as (

    select * from {{ ref('stg_identity__customer_records') }}
    where system = 'hubspot'

)

select
    {{ our_id("'hubspot'", 'tickets.hubspot_ticket_id') }} as service_case_id,
    customer_records.customer_id,
    {{ our_id("'hubspot'", 'tickets.hubspot_company_id') }} as account_id,
    lower(tickets.source_type) as channel,
    tickets.category,
    lower(tickets.priority) as priority,
    tickets.pipeline,
    tickets.pipeline_stage,
    tickets.closed_at is null and not tickets.is_deleted as is_open,
    tickets.created_at as opened_at,
    tickets.closed_at,
    cast(cast(tickets.hundredths as decimal(16, 0)) * 0.01 as decimal(18, 2)) as hours_to_close,
    tickets.is_deleted,
    tickets.source_at as updated_at
from tickets
left join customer_records on tickets.hubspot_contact_id = customer_records.record_id
