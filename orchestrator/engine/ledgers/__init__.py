"""The ledger as a thing of its own: opening it where a stack keeps it, checking, moving and repairing it.

What a run writes into it is `recording`'s.
"""
