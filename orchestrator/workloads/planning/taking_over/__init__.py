"""Whose an object or a field of it is, when it is not ours alone: whose claims count, and what becomes ours. Pure.

Asking whether a set may take something belongs here; what others did since an apply belongs to ``drift``.
"""
