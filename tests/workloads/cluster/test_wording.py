"""An apply is read as YAML by the server."""

import yaml
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.stack.model import Json
from orchestrator.workloads.cluster.wording import apply_text

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(_TEXTS, _TEXTS)
def test_every_text_reads_the_same_as_yaml(key: str, value: str) -> None:
    """Emoji, line separators and control characters arrive as they were written."""
    manifest: dict[str, Json] = {"data": {key: [value]}}

    assert yaml.safe_load(apply_text(manifest)) == manifest
