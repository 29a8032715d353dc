"""Telling people what happened: what is news, who is told, in which words, and carrying it there."""
