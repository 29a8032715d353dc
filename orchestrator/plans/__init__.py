"""WHAT would change: actions, values, plans, digests, and the taking out of secrets.

Here belong the pure types and rules of a plan that both engines fill in and everything else reads. Nothing
here touches a process, a cluster, Git or the clock, or knows how a plan is displayed.
"""
