"""Where the stack is read from: the Git repository at hand, its revisions, remotes and private copies.

Here belongs everything that talks to Git. Nothing here knows what a stack file, a plan or a ledger entry
means; the ledger is given objects and refs through ``plumbing``. The user's checkout and index are only read.
"""
