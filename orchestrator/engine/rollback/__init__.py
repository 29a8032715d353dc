"""Preparing a rollback: one new commit that brings back what a stack was made of, its plan, and handing it on.

Carrying it out is no business of this package: a rollback is a commit like any other, planned and applied like it.
"""
