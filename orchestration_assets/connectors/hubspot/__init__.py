"""HubSpot, the CRM: contacts, companies and deals are read, contacts are written."""
