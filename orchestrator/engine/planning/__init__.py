"""From what is wanted and what is there to one plan: both halves, what has to go, and the cluster that is meant.

Nothing here changes anything; a plan comes with all that its execution takes.
"""
