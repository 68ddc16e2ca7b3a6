"""Local vendor servers and the seeded world that they serve."""
