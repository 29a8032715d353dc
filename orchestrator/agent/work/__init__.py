"""The work of a child process: looking at a repository, or bringing one stack to a revision, by the engine.

It runs on a command line of its own, and says what came of it in one JSON document.
"""
