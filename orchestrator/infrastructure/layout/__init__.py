"""Files and folders that Terraform works in: the overlay over a tree, private files, working alone in a folder.

What belongs here: what touches the disk around a run. What does not: running anything.
"""
