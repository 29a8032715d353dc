"""What Git declares: manifests as their files hold them, and the objects that a set wants of a cluster.

Reading files, replacing references, defaulting namespaces and finding which set needs which belong here. Whatever
takes a cluster, or its answer, does not.
"""
