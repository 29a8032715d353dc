"""How fast it is, beside what a person would run instead, in one run on one machine.

Each module of the table in ``__main__`` yields rows; a row holds the samples of ours and of the raw tools, taken
in turns, and the limit that it promises to keep. Here belongs what measures; what is measured is started as a
process, as users start it, and never imported.
"""
