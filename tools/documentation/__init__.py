"""What code knows best, as Markdown: keys, verbs, errors and the shapes of JSON; each part a pure text."""
