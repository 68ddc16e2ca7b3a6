"""A local HubSpot: the CRM objects, search, batch and properties calls."""
