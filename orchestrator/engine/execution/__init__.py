"""From a plan to outcomes: who allows it, whether the world still is as shown, the phases, and what is recorded."""
