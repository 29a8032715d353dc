"""Kubernetes manifests: reading, rendering, comparing, applying, waiting for health, pruning.

Decisions (rendering, order, ownership, comparison, health) are pure and stand in files of their own; the API
server is talked to in ``cluster.py`` and the files beside it alone. Nothing here knows Terraform, Git or the
ledger's form, and nothing imports the Kubernetes client before a cluster is really needed.
"""
