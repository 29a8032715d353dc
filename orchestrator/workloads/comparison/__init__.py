"""How the difference between two versions of an object is told to people, field by field. Pure.

What the other version is, and what follows from a difference, is decided elsewhere.
"""
