"""What is asked of one record of each of Shopify's streams, and of what is nested in it."""

CUSTOMER = """
    id
    legacyResourceId
    firstName
    lastName
    defaultEmailAddress {
      emailAddress
      marketingState
      marketingOptInLevel
      marketingUpdatedAt
    }
    defaultPhoneNumber {
      phoneNumber
      marketingState
      marketingUpdatedAt
    }
    defaultAddress {
      address1
      city
      zip
      countryCodeV2
    }
    state
    numberOfOrders
    amountSpent {
      amount
      currencyCode
    }
    locale
    tags
    verifiedEmail
    createdAt
    updatedAt
"""

ORDER = """
    id
    legacyResourceId
    name
    customer {
      legacyResourceId
    }
    email
    phone
    currencyCode
    currentTotalPriceSet {
      shopMoney {
        amount
      }
    }
    currentSubtotalPriceSet {
      shopMoney {
        amount
      }
    }
    currentTotalTaxSet {
      shopMoney {
        amount
      }
    }
    currentShippingPriceSet {
      shopMoney {
        amount
      }
    }
    currentTotalDiscountsSet {
      shopMoney {
        amount
      }
    }
    totalRefundedSet {
      shopMoney {
        amount
      }
    }
    refunds {
      id
      createdAt
      note
      totalRefundedSet {
        shopMoney {
          amount
          currencyCode
        }
      }
    }
    displayFinancialStatus
    displayFulfillmentStatus
    sourceName
    createdAt
    processedAt
    updatedAt
    cancelledAt
"""

PRODUCT = """
    id
    legacyResourceId
    title
    handle
    vendor
    productType
    status
    createdAt
    updatedAt
"""

LINE_ITEM = """
    id
    title
    quantity
    sku
    product {
      legacyResourceId
    }
    variant {
      legacyResourceId
    }
    originalUnitPriceSet {
      shopMoney {
        amount
      }
    }
    discountedTotalSet {
      shopMoney {
        amount
      }
    }
"""

VARIANT = """
    id
    legacyResourceId
    sku
    title
    price
"""

CHECKOUT = """
    id
    name
    customer {
      legacyResourceId
    }
    totalPriceSet {
      shopMoney {
        amount
        currencyCode
      }
    }
    subtotalPriceSet {
      shopMoney {
        amount
      }
    }
    createdAt
    completedAt
    updatedAt
"""

CHECKOUT_LINE = """
    id
    title
    quantity
    sku
    product {
      legacyResourceId
    }
    variant {
      legacyResourceId
    }
    originalUnitPriceSet {
      shopMoney {
        amount
      }
    }
    discountedTotalPriceSet {
      shopMoney {
        amount
      }
    }
"""

CONTRACT = """
    id
    customer {
      legacyResourceId
    }
    status
    currencyCode
    billingPolicy {
      interval
      intervalCount
    }
    nextBillingDate
    createdAt
    updatedAt
"""

CONTRACT_LINE = """
    id
    title
    quantity
    sku
    productId
    variantId
    currentPrice {
      amount
    }
    lineDiscountedPrice {
      amount
    }
"""
