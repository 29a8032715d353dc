"""Terraform modules and Kubernetes manifests as one plan, one apply and one ledger in Git.

The whole product is one way through, and every package is one step of it. A Git revision is read
(`repository`) and its stack file loaded and resolved into a graph of units (`stack`). What is
wanted is held against what is there: Terraform's own plan for each module (`infrastructure`), the
live objects for each manifest set (`workloads`), the last entries of the ledger (`ledger`). The
result is a plan (`plans`), which is data, shown (`reports`) and then executed just as shown. The
`engine` walks the graph through these steps, infrastructure first, then workloads, writing each
intent into the ledger before its effect; `cli` turns verbs and flags into one call of it. The
`sandbox` is a real local control plane to try all that against.

Imports go one way along that line, and import-linter holds them to it: `cli`, then `engine`, then
the packages with an outside edge, blind to one another, then `plans`, then `stack`, then the
leaves `settings`, `processes`, `log`, `clock` and `errors`.
"""

__version__ = "0.1.0"
