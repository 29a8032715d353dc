"""Definitions of custom kinds that the same plan brings, and what breaks them.

No server can be asked about such objects yet, so that its rules stand here; held to the server's own verdict by a
test. What a server that has the definition says, and kinds that come with Kubernetes, belong elsewhere.
"""
