"""A control plane whose servers are killed and started again while a run is at work."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.end_to_end.commands import eventually
from tests.end_to_end.control_planes import Component, api_of, control_plane, etcd_of
from tests.end_to_end.ending_early.before import Before
from tests.end_to_end.ending_early.places import PLACES
from tests.end_to_end.ending_early.points import points_of
from tests.end_to_end.ending_early.sides import Sides
from tests.end_to_end.world import World
from tests.sandbox.client import client_of

pytestmark = pytest.mark.integration


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("sandbox_programs")
@pytest.mark.parametrize(
    ("kept", "points_of_api", "points_of_etcd"),
    [
        ("alone", ("api PATCH configmaps 2 before",), ("api DELETE jobs 1 before",)),
        pytest.param(
            "alone",
            ("api DELETE configmaps 1 before",),
            ("api PATCH jobs 1 after",),
            marks=pytest.mark.soak,
        ),
        pytest.param(
            "cluster",
            ("api POST leases 1 after", "api PUT configmaps 2 before", "api PUT leases 2 before"),
            (
                "api PUT leases 1 before",
                "api POST configmaps 2 after",
                "api PUT configmaps 3 after",
            ),
            marks=pytest.mark.soak,
        ),
    ],
)
def test_a_control_plane_that_restarts(
    world: World,
    tmp_path: Path,
    kept: str,
    points_of_api: Sequence[str],
    points_of_etcd: Sequence[str],
) -> None:
    """Its API server or its etcd, in an apply, in a prune, or at a write of the ledger: the run outlives it."""
    with control_plane(tmp_path) as own:
        alone = dataclasses.replace(world, cluster=client_of(own.kubeconfig))
        alone.create_namespace(alone.name)
        with (
            points_of(alone, tmp_path / "points", own.kubeconfig) as points,
            PLACES[kept](points, tmp_path) as place,
        ):
            found = Sides(place=place)
            found.commit(0)
            alone.apply()
            api, etcd = api_of(own), etcd_of(own)
            strikes = [
                *((api, point) for point in points_of_api),
                *((etcd, point) for point in points_of_etcd),
            ]
            for number, (component, point) in enumerate(strikes, start=1):
                _restart_at(found, number, component, point)


def _restart_at(sides: Sides, number: int, component: Component, point: str) -> None:
    """Apply, with a server restarted while the run is held at a point."""
    points, go, before = sides.points, sides.points.folder / "go", Before.of(sides)
    go.unlink(missing_ok=True)
    sides.commit(number)
    points.strike_at(point, f"until [ -e {go} ]; do sleep 0.02; done")
    running = points.world.start("apply", points.world.name, "--yes")
    eventually(lambda: points.struck, "the point to be reached")
    with component.restarted():
        go.touch()
        ended = running.end(300)
        assert ended.code == 0, ended.said
        eventually(lambda: _answers(sides), "the control plane to be back")
    before.assert_settled(number)


def _answers(sides: Sides) -> bool:
    try:
        return sides.world.cluster.request("GET", "/readyz/etcd")[0] == 200
    except OSError:
        return False
