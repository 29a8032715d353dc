"""Alert rules and the dashboard: they read metrics that exist, and their own tools take them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from orchestrator.agent.metrics.catalogue import CATALOGUE, Kind
from orchestrator.agent.metrics.exposition import Exposition
from orchestrator.agent.metrics.figures import Figures, counted
from orchestrator.agent.metrics.samples import Glance, samples
from orchestrator.agent.verdicts import End
from tests.agent.happenings import ended, failed, looked, surveyed
from tests.agent.monitoring.promtool import promtool
from tests.agent.test_metrics import BEGAN, NOW
from tests.docs.pages import ROOT

_FOLDER: Final = ROOT / "docs" / "monitoring"
_NAME: Final = re.compile(r"\b(?:orchestrator|process)_[a-z_]+")
_SELECTOR: Final = re.compile(r"\b(orchestrator_[a-z_]+)\{([^}]*)\}")
_LABEL: Final = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_OF_PROCESS: Final = {"process_resident_memory_bytes", "process_cpu_seconds_total"}
_SERIES: Final = {
    f"{metric.name}{suffix}": {*metric.labels, *(["le"] if suffix == "_bucket" else [])}
    for metric in CATALOGUE
    for suffix in (("_bucket", "_sum", "_count") if metric.kind is Kind.HISTOGRAM else ("",))
}


def _rules() -> list[dict[str, Any]]:
    document = yaml.safe_load((_FOLDER / "alerts.yaml").read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def _dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_FOLDER / "dashboard.json").read_text(encoding="utf-8"))
    return found


def _queries() -> Iterator[str]:
    """Yield every expression of the alerts and of the dashboard."""
    yield from (rule["expr"] for rule in _rules())
    for panel in _dashboard()["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    for variable in _dashboard()["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"]


@pytest.mark.parametrize("query", sorted(set(_queries())))
def test_what_is_asked_for_exists(query: str) -> None:
    """Every metric is in the catalogue, or one of the process, and has the labels that it is chosen by."""
    names = set(_NAME.findall(query))
    assert names
    assert names <= _SERIES.keys() | _OF_PROCESS
    for name, chosen in _SELECTOR.findall(query):
        assert set(_LABEL.findall(chosen)) <= _SERIES[name]


def test_every_alert_says_what_to_do() -> None:
    """It has a severity, a line and a sentence, and a name that tells whose it is; no two are called the same."""
    names = [rule["alert"] for rule in _rules()]
    assert len(set(names)) == len(names)
    for rule in _rules():
        assert re.fullmatch(r"Orchestrator\w+", rule["alert"])
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert {"summary", "description"} == rule["annotations"].keys()


@pytest.mark.integration
@pytest.mark.timeout(1200)  # the first time it is built
def test_prometheus_takes_the_alerts() -> None:
    """Its own linter has nothing to say, not even a hint."""
    said = promtool("check", "rules", "--lint=all", "--lint-fatal", str(_FOLDER / "alerts.yaml"))
    assert f"{len(_rules())} rules found" in said


@pytest.mark.integration
@pytest.mark.timeout(1200)
def test_prometheus_takes_the_queries_of_the_dashboard(tmp_path: Path) -> None:
    """Each is a rule that Prometheus can read, once Grafana has put its variables in place."""
    queries = [query for query in _queries() if not query.startswith("label_values")]
    written = [
        {"record": f"query:{at}", "expr": query.replace("$__rate_interval", "5m")}
        for at, query in enumerate(queries)
    ]
    file = tmp_path / "queries.yaml"
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": written}]}))
    assert f"{len(written)} rules found" in promtool("check", "rules", "--lint=none", str(file))


@pytest.mark.integration
@pytest.mark.timeout(1200)
def test_prometheus_takes_the_metrics() -> None:
    """Its own linter of what is exposed finds no name, unit or sentence to be otherwise."""
    figures = Figures()
    happened = (BEGAN, looked(), surveyed(), ended(End.APPLIED), failed(), ended(End.DRIFTED))
    for event in happened:
        figures = counted(figures, event, NOW)
    glance = Glance(name="k", version="1", workers=4, agenda={}, at=1.0, beat=1.0, now=NOW)
    ours = "".join(
        line
        for line in Exposition(lambda: samples(figures, glance)).text().splitlines(keepends=True)
        if "orchestrator_" in line
    )
    assert promtool("check", "metrics", given=ours) == ""


@pytest.mark.integration
@pytest.mark.timeout(1200)
def test_alerts_fire_when_they_have_to(tmp_path: Path) -> None:
    """Each has an example at which it fires and a moment at which it does not, carried out by Prometheus itself."""
    document = yaml.safe_load((_FOLDER / "alerts.yaml").read_text(encoding="utf-8"))
    for group in document["groups"]:
        for rule in group["rules"]:
            del rule["annotations"]  # their words are not repeated in the examples
    (tmp_path / "alerts.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    text = Path(__file__).with_name("alerts.test.yaml").read_text(encoding="utf-8")
    (tmp_path / "test.yaml").write_text(text.replace("ALERTS", "alerts.yaml"), encoding="utf-8")
    examples = yaml.safe_load(text)["tests"]
    fired = [
        (each["alertname"], bool(each.get("exp_alerts")))
        for example in examples
        for each in example["alert_rule_test"]
    ]
    assert set(fired) == {(rule["alert"], fires) for rule in _rules() for fires in (True, False)}
    promtool("test", "rules", str(tmp_path / "test.yaml"))


def test_grafana_knows_all_that_the_dashboard_says() -> None:
    """Read and written again by Grafana's own library it is the same: no key is misspelt or of the wrong type."""
    found = _dashboard()
    again = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(found)))
    assert list(_lost(found, again, "")) == []


def _lost(before: Any, after: Any, where: str) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            yield from _lost(value, after.get(key), f"{where}/{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for at, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _lost(one, other, f"{where}/{at}")
    elif before != after and before not in ("", None):  # which it leaves out
        yield where


def test_panels_stand_side_by_side() -> None:
    """Each has a title, a description and an id of its own, covers no other, and asks the source that was chosen."""
    panels = _dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
        if panel["type"] != "row":
            assert panel["title"]
            assert panel["description"]
            assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert all(each["datasource"] == panel["datasource"] for each in panel["targets"])
            assert panel["fieldConfig"]["defaults"]["unit"]
