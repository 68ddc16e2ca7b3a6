"""HubSpot, the CRM: contacts, companies, deals, tickets, survey answers; contacts are written."""
