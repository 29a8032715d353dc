"""Addresses of remotes as they may be shown: without the credentials that they may carry."""

import re

# Greedy up to the last @ before the path: a password may hold an @ that nobody escaped.
_CREDENTIALS = re.compile(r"(?<=://)[^/\s'\"]+@")
_TOKENS = re.compile(
    r"(?<=[?&])([\w-]*(?:token|password|secret|key)[\w-]*)=[^&\s'\"]+", re.IGNORECASE
)


def without_credentials(text: str) -> str:
    """Return ``text`` with the user, password and tokens of every address in it taken out."""
    return _TOKENS.sub(r"\1=(sensitive)", _CREDENTIALS.sub("", text))
