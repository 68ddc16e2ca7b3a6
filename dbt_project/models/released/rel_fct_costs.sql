with source as (

    select * from {{ source('released', 'fct_costs') }}

)

select
    cost_id,
    kind,
    channel,
    campaign_name,
    period_start,
    period_end,
    amount,
    currency_code,
    amount_reporting,
    reporting_currency_code,
    is_deleted,
    updated_at
from source
