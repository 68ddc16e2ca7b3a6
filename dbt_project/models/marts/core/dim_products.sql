with products as (

    select * from {{ ref('stg_shopify__products') }}
    where {{ in_scope('record:shopify.products', 'shopify_product_id') }}

),

prices as (

    select
        products.shopify_product_id,
        min(cast({{ json_text('variants.item', 'price') }} as decimal(18, 2))) as min_price,
        max(cast({{ json_text('variants.item', 'price') }} as decimal(18, 2))) as max_price
    from products
    cross join lateral (select {{ json_items('products.variants') }} as item) as variants
    group by products.shopify_product_id

)

select
    {{ our_id("'shopify'", 'products.shopify_product_id') }} as product_id,
    'shopify' as system,
    products.title,
    products.vendor,
    products.product_type,
    products.status,
    prices.min_price,
    prices.max_price,
    products.is_deleted,
    products.source_at as updated_at
from products
left join prices on products.shopify_product_id = prices.shopify_product_id
