"""The text of YAML files: its lines and places, what a scalar means, and what a syntax error says.

Nothing here knows what a stack is.
"""
