with costs as (

    select * from {{ ref('stg_reference__costs') }}
    where {{ in_scope('record:reference.costs', 'cost_id') }}

)

select
    {{ our_id("'reference'", 'costs.cost_id') }} as cost_id,
    costs.kind,
    costs.channel,
    costs.campaign_name,
    costs.period_start,
    costs.period_end,
    costs.amount,
    costs.currency_code,
    {{ in_reporting_currency('costs.amount', 'costs.currency_code', 'rates.rate') }}
        as amount_reporting,
    {{ reporting_currency() }} as reporting_currency_code,
    costs.is_deleted,
    costs.source_at as updated_at
from costs
left join {{ ref('int_exchange_rates_dated') }} as rates
    on costs.currency_code = rates.currency_code and costs.period_start = rates.rate_date
