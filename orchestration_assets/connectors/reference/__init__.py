"""Reference data that a team keeps itself in CSV files: costs and exchange rates."""
