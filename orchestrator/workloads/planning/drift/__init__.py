"""What others did to objects since they were applied, what of it is healed, and what is left and told.

Also what the inventory remembers of an object for that. Objects that are not ours yet belong to ``taking_over``.
"""
