"""What the agent counts and measures, for Prometheus: a catalogue, a pure fold of events, and its text form."""
