"""Carrying out what was planned for manifest sets: applying, making anew, and deleting what nobody wants any more.

Nothing is decided here that a plan shows; whether an object is healthy belongs to ``health``.
"""
