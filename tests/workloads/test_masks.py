"""What was secret of an object when it was applied stays masked, though its manifest says nothing of it any more."""

from pathlib import Path
from typing import Any

from orchestrator.plans.redaction import Secrets
from orchestrator.plans.values import ABSENT, Masked
from orchestrator.stack.expressions import Output
from orchestrator.workloads.comparison.differences import compare
from orchestrator.workloads.comparison.intent import Intent
from orchestrator.workloads.masks import SENSITIVE, Element, read
from orchestrator.workloads.ownership import marked, masks_in
from orchestrator.workloads.secrecy import learn_live
from tests.workloads.builders import OWNER, rendered

_MANIFEST = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: app
      args: [--pin, "${{ modules.database.pin }}"]
      env:
        - {name: LEVEL, value: debug}
        - {name: PASSWORD, value: "${{ modules.database.password }}"}
        - ${{ modules.database.entry }}
"""
_OUTPUTS = {
    "pin": Output(value="4711", sensitive=True),
    "password": Output(value="correct-horse", sensitive=True),
    "entry": Output(value={"name": "HIDDEN_NAME", "value": "battery-staple"}, sensitive=True),
}


def _applied(directory: Path) -> dict[str, Any]:
    """Return the object as a server has it, with a container that somebody put before ours."""
    (item,) = rendered(directory, _MANIFEST, outputs=_OUTPUTS).objects
    manifest: Any = item.value
    live: dict[str, Any] = marked(manifest, owner=OWNER, unit=item.unit, masks=item.masks)
    injected = {"name": "proxy", "args": ["--proxy", "in-front"], "env": [{"name": "PASSWORD"}]}
    ours = live["spec"]["containers"]
    return {**live, "spec": {"containers": [injected, *ours]}}


def test_a_mask_holds_places_alone_and_finds_them_beside_what_others_put_there(
    tmp_path: Path,
) -> None:
    """The annotation has no value in it, nor a name that is secret; its values are learnt, and no others."""
    live = _applied(tmp_path)
    kept = live["metadata"]["annotations"][SENSITIVE]
    assert '["spec","containers",{"name":"app"},"env",{"name":"PASSWORD"},"value"]' in kept
    secrets = Secrets()
    learn_live([live], secrets)

    for secret in ("4711", "correct-horse", "battery-staple", "HIDDEN_NAME"):
        assert secret not in kept
    told = "correct-horse, battery-staple, in-front, manifests.shop"
    assert secrets.redact(told) == "(sensitive), (sensitive), in-front, manifests.shop"


def test_what_was_masked_stays_so_whatever_the_manifest_makes_of_it(tmp_path: Path) -> None:
    """Taken out, written as a plain value, or gone with all around it: however short; what is beside it is told."""
    live = _applied(tmp_path)
    proxy, ours = live["spec"]["containers"]
    level = ours["env"][0]
    plain = {"name": "PASSWORD", "value": "plain"}
    for env, now in (([{**level, "value": "info"}, plain], Masked), ([level], type(ABSENT))):
        wanted = {"spec": {"containers": [{"name": "app", "args": ["--pin", "1"], "env": env}]}}
        result = {**live, "spec": {"containers": [proxy, *wanted["spec"]["containers"]]}}
        intent = Intent(value=wanted, former=masks_in(live))  # type: ignore[arg-type]
        found = {each.path: each for each in compare(live, result, intent=intent)}
        app = "spec.containers[name=app]"
        changed = found.get(f"{app}.env[name=PASSWORD].value") or found[f"{app}.env[name=PASSWORD]"]
        assert isinstance(changed.before, Masked)
        assert isinstance(changed.after, now)
        assert isinstance(found[f"{app}.args"].before, Masked)
        assert "battery-staple" not in str(found)
    gone = compare(live, {"metadata": {}}, intent=Intent(former=masks_in(live)))
    assert gone
    assert "correct-horse" not in str(gone)


def test_what_is_no_mask_masks_nothing() -> None:
    """Anybody may write an annotation: what is of another form is passed over, and never a failure."""
    for text in ("", "x", "{}", "1", "[[]]", "[1]", "[[true]]", "[[-1]]", '[[{"a":[]}]]', "[[{}]]"):
        assert read(text) == frozenset()
    assert read('[["a"],[null],["b",{"c":1},0]]') == {
        ("a",),
        ("b", Element(frozenset({("c", 1)})), 0),
    }
