"""Telling a forge how each stack is at a commit: what its status there is, and setting it."""
