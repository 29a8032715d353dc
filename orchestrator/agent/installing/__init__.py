"""Installing the agent in a cluster: what it may do there, and the objects that make it run. Pure."""
