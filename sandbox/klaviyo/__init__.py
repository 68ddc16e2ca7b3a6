"""A local Klaviyo API: JSON:API profiles, events, lists and jobs under the vendor's own limits."""
