"""The text of an apply request: JSON that a parser of YAML reads as the same thing. Pure."""

import json
import re
from collections.abc import Mapping
from typing import Final

from orchestrator.stack.model import Json

_BEYOND_ASCII: Final = re.compile("[^\x00-\x7e]")
_BASIC_PLANE: Final = 0xFFFF


def apply_text(manifest: Mapping[str, Json]) -> str:
    r"""Return what is sent as ``application/apply-patch+yaml``.

    JSON is YAML with one exception: the pairs of ``\u`` escapes by which JSON writes what lies beyond the basic
    plane, such as an emoji, are refused (YAML 1.2.2, 5.7). These characters stand as they are. The others stay
    escaped: some of them YAML forbids, and line separators it folds to spaces.
    """
    text = json.dumps(manifest, ensure_ascii=False)
    return _BEYOND_ASCII.sub(lambda found: _escaped(found[0]), text)


def _escaped(letter: str) -> str:
    return f"\\u{ord(letter):04x}" if ord(letter) <= _BASIC_PLANE else letter
