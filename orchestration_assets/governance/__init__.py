"""Governance as code: who answers for what, where a column comes from, what an analyst may see."""
