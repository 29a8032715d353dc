"""The pull agent: keeps what runs equal to Git, and decides only when; how is the engine's business.

What it is told stands in `configuration/`. What follows from what it knows, when something is due and what comes
first, is decided by pure functions in `decisions/`. The work itself is done in child processes, by `work/`, so that
no leak, crash or hang of it reaches the loop. Whatever happens is told as an event (`events.py`); who counts, logs or
notifies listens to those. Several agents share the work by `replicas/`; `installing/` says what runs them in a cluster.
"""
