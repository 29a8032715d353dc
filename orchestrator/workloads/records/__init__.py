"""An object's own record of who set which of its fields (``managedFields``): reading it, and sets of fields. Pure.

What follows from somebody having set a field (leaving it, taking it, healing it, asking nobody) belongs to planning.
"""
