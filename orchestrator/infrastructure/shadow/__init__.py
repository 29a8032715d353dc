"""The shadow plan: a real plan of a module some of whose inputs are not known yet, never to be applied.

    module's files ──rewriting──▶ the same, reading what is pending from a resource that is still to be created
    state ────────────copied────▶ a file of the scratch folder; no backend is configured
    plan, show -json ─sources──▶ changes, as if planned directly, each unknown with what it waits for

Everything that holds a value is in a scratch folder of the unit, and goes with it.
"""
