"""Running Terraform: its environment, its arguments and events, and when it has to be initialised.

What belongs here: what starts the engine and listens to it. What does not: what its documents mean.
"""
