"""Kubernetes manifests, from files in Git to healthy objects in a cluster.

Read it in this order: ``manifests`` (what is wanted), ``planning`` (what would happen), ``applying`` (carrying it
out) and ``health`` (whether it has become what it was asked to be). They use ``comparison`` (how a difference is
told), ``definitions`` (custom kinds of the same plan), ``records`` (who set which field) and the words that all
share: kinds, order, ownership, secrecy. Only ``cluster`` talks to an API server.

Decisions are pure and stand in files of their own. Nothing here knows Terraform, Git or the ledger's form, and
nothing imports the Kubernetes client before a cluster is really needed.
"""
