"""What merging one revision into another would do, to every stack and environment that it touches.

Nothing is applied, and no branch moves. What is shown to people, and where, does not belong here.
"""
