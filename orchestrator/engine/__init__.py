"""The walk over the graph: plan, apply, destroy, and what they share.

Here the packages that are blind to one another (repository, infrastructure, workloads, ledger, sandbox) meet.
No Terraform, Kubernetes or Git detail belongs here, and nothing that decides how a result is displayed.
"""
