"""The forms in which a secret stands in texts: as it is, escaped by JSON or HCL, in base64, URL-quoted; pure."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

SHORTEST: Final = 6
"""How many characters a form has at least: shorter values (true, 443, dev) would blank out half of every report."""

# Whatever is not printable ASCII, and seven characters that are; said by what it is not, which compiles at once.
_ESCAPED = re.compile(r"[^ !#'-;=?-\[\]-~]")
_BY_GO = str.maketrans({"<": r"\u003c", ">": r"\u003e", "&": r"\u0026"})
# Base64 of a text depends on where in a group of three it begins.
_LEADS: Final = (b"", b"a", b"ab")


def forms_of(text: str) -> set[str]:
    """Return the forms of a secret text; none when it is too short to be searched for."""
    if len(text.strip()) < SHORTEST:
        return set()
    encoded = base64.b64encode(text.encode()).decode()
    forms = {text, text.strip(), encoded, quote(text, safe=""), *_in_base64(text)}
    if _ESCAPED.search(text):
        once = _escaped(text)
        forms |= once
        forms |= {twice for form in once for twice in _escaped(form)}
    return {form for form in forms if len(form) >= SHORTEST}


def _escaped(text: str) -> set[str]:
    """Return a text as Python and Go write it into JSON, and HCL into an address."""
    ascii_only, written = json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]
    in_hcl = written.replace("${", "$${").replace("%{", "%%{")
    return {ascii_only, written, written.translate(_BY_GO), in_hcl}


def _in_base64(text: str) -> Iterator[str]:
    """Yield what there is of a text in base64 whatever stands before and after it, such as ``user:``."""
    content = text.encode()
    for lead in _LEADS:
        first = -(-len(lead) * 8 // 6)
        whole = (len(lead) + len(content)) * 8 // 6
        encoded = base64.b64encode(lead + content).decode()[first:whole]
        yield encoded
        yield encoded.replace("+", "-").replace("/", "_")
    encoded = base64.b64encode(content).decode().rstrip("=")
    yield encoded
    yield encoded.replace("+", "-").replace("/", "_")
