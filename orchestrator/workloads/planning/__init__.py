"""What would happen to manifest sets: every object's change, decided once, and shown, hashed and executed as it is.

All questions to the cluster that come before an apply are asked from here, and nothing is changed by them. How
changes are carried out belongs to ``applying``.
"""
