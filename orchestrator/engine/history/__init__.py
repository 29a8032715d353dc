"""What ledgers tell about the past: everything here is read from them, and asks neither Terraform nor a cluster.

A ledger outlives what it is about: it is found by its own name, also where the stack file is broken or gone.
"""
