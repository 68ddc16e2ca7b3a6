with companies as (

    select * from {{ ref('stg_hubspot__companies') }}
    where {{ in_scope('record:hubspot.companies', 'hubspot_company_id') }}

)

select
    {{ our_id("'hubspot'", 'hubspot_company_id') }} as account_id,
    'hubspot' as system,
    nullif(trim(company_name), '') as account_name,
    lower(nullif(trim(domain), '')) as domain,
    industry,
    city,
    {{ country_code('country') }} as country_code,
    employee_count,
    created_at,
    is_deleted,
    source_at as updated_at
from companies
