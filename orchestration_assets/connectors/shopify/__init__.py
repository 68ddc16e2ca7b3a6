"""Shopify (commerce): customers, orders and products through the Admin GraphQL API."""
