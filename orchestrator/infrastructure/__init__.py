"""Terraform modules: finding the engine, laying out workspaces, running it and reading what it plans.

What belongs here: everything that knows Terraform's command line, files and JSON. What does not: the order of
units, expressions, Kubernetes, the ledger; the engine hands in resolved inputs and gets values back.

    binary      which engine runs the modules, and whether its version will do
    sources     where a module's files are: in the revision's tree, or fetched by Terraform
    workspace   a working directory, state and plug-in folder of one unit
    modules     plan, apply and read one unit: what the rest of the program calls
"""
