"""The seeded world: people, their records in each system, and what happens to them."""
