"""Requests to one API server as such: the client library, one event loop, how many at once, and when to try again.

What a request is about, and what its answer means for an object, does not belong here.
"""
