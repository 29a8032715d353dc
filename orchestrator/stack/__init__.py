"""What is wanted: stack files and the project's settings, read, checked and turned into plain data.

Here belong the schema, the expression syntax, the graph of units and the places of mistakes. Nothing here
runs a process, asks a server or reads anything but the named YAML files.
"""
