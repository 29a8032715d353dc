"""Terraform modules: finding the engine, laying out workspaces, running it and reading what it plans.

What belongs here: everything that knows Terraform's command line, files and JSON. What does not: the order of
units, expressions, Kubernetes, the ledger; the engine hands in resolved inputs and gets values back.

    modules       what the engine calls: prepare, plan, apply, read outputs
    declarations  what a module declares, and what a stack's use of it gets wrong
    binary        which engine runs the modules, and whether its version will do
    workspace     one unit's place on disk: working directory, plug-ins, state
    sources       where a module's files are; fetching, when the repository does not hold them
    planning, applying, states, backends
    layout/       files and folders around a run
    running/      starting the engine and listening to it
    reading/      what it writes, as data
"""
