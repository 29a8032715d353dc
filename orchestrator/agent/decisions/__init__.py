"""What follows from what the agent knows: pure functions over frozen data, without a clock and without chance."""
