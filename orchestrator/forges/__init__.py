"""Forges, where changes are proposed: the request to merge, our comment on it, and statuses of its commit.

GitHub, GitLab and Gitea fit one Protocol, and each has its client imported when it is needed. What a comment says,
and what is planned for it, does not belong here.
"""
