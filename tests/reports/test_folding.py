from orchestrator.reports.folding import fold


def test_what_continues_a_line_is_indented_below_it() -> None:
    """An error and a hint hang by two columns, everything else keeps its own indentation."""
    text = "error: the server does not answer\n  a longer detail of two lines\nhint: look at the network\n"
    assert fold(text, 20) == (
        "error: the server\n  does not answer\n"
        "  a longer detail of\n  two lines\n"
        "hint: look at the\n  network\n"
    )


def test_lines_of_files_and_long_words_stay_whole() -> None:
    """A caret has to stand below what it points at, and an address has to be copied in one piece."""
    text = (
        "a.yaml:12:5: unknown key of a module\n"
        "  12 |     a: line, much longer than that\n     |     ^\n"
    )
    assert fold(text, 25) == (
        "a.yaml:12:5: unknown key\n  of a module\n"
        "  12 |     a: line, much longer than that\n     |     ^\n"
    )
    assert (
        fold("see https://example.org/a/long/one now", 20)
        == "see\nhttps://example.org/a/long/one\nnow"
    )


def test_an_entry_is_found_by_its_id() -> None:
    """Who searches a log for the words and the id finds both in one line."""
    line = "Applied shop/production: 1 created. Ledger entry 4c1c89c7da."
    assert fold(line, 50) == "Applied shop/production: 1 created.\nLedger entry 4c1c89c7da."


def test_short_lines_are_left_alone() -> None:
    """Not a blank is touched where there is room."""
    text = "error: short\n\n  two  blanks\n"
    assert fold(text, 80) == text
