"""Which objects an apply would leave exactly as they are, told from what is live, so that no server is asked.

It may ask too often and never too seldom: a test holds all of it against a real server. Everything is pure but
``settled``, which fetches definitions of custom kinds.
"""
