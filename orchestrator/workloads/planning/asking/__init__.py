"""What the server says that an apply would do: dry runs, what follows from its refusals, and the words for these.

Objects that cannot be asked about as they are (replacements, pending values, new namespaces) are asked about with
stand-ins. What can be told without a request belongs to the packages beside.
"""
