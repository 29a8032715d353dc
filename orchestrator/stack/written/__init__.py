"""The stack file as it was written: its schema, its parts as typed data, and whether they make sense.

Everything here looks at one file and collects mistakes; ``stack/load.py`` puts the checks together.
"""
