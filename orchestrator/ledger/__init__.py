"""What was applied: the append-only record of intents and outcomes of one stack in one environment.

Here belong entries, their fold into the present state, their JSON form, the lock, and the stores that keep
them. What a unit or an object is, and how Git works, is no business of this package: a store is handed the
plumbing that it needs.
"""
