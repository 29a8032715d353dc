"""Results as people and programs read them: text, JSON, progress on a terminal.

Renderers are pure functions from plans, outcomes and ledger states to text. Nothing here decides or fetches.
"""
