with rates as (

    select * from {{ ref('stg_reference__exchange_rates') }}
    where
        not is_deleted
        and rate > 0
        and to_currency = {{ reporting_currency() }}
        and from_currency <> {{ reporting_currency() }}

),

-- The last rate holds for a while: afterwards no rate is better than one so old.
spans as (

    select
        from_currency,
        rate_date,
        rate,
        coalesce(
            lead(rate_date) over (partition by from_currency order by rate_date),
            rate_date + {{ var('rate_holds_days') | int }}
        ) as next_rate_date
    from rates

)

select
    spans.from_currency as currency_code,
    cast(days.day_at as date) as rate_date,
    spans.rate,
    spans.rate_date as rated_on
from spans
cross join lateral (
    select {{ each_day('spans.rate_date', 'spans.next_rate_date') }} as day_at
) as days
