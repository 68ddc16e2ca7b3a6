"""From a released journey to the destinations: plan, deliver, one state for every row."""
