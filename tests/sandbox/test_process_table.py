"""Which command lines are processes of a sandbox."""

from pathlib import Path

import pytest

from orchestrator.sandbox.components import arguments
from orchestrator.sandbox.layout import Component, Layout
from orchestrator.sandbox.process_table import component_of

_LAYOUT = Layout(directory=Path("/home/jane doe/.orchestrator/sandbox"))


@pytest.mark.parametrize("component", list(Component))
def test_a_component_is_recognised(component: Component) -> None:
    """A component is known by its name and its directory, as a program of its own or a part of one."""
    flags = " ".join(arguments(component, _LAYOUT, port=6443))
    for program in (
        f"/usr/bin/{component}",
        component,
        f"/home/jane doe/bin/controlplane {component}",
    ):
        assert component_of(f"{program} {flags}", _LAYOUT) is component


@pytest.mark.parametrize("component", list(Component))
def test_another_sandbox_is_not_taken_for_it(component: Component) -> None:
    """A directory whose name begins like another's is not that other one."""
    for other in ("/home/jane doe/.orchestrator/sandbox2", "/home/jane doe/.orchestrator"):
        layout = Layout(directory=Path(other))
        flags = " ".join(arguments(component, layout, port=6443))
        assert component_of(f"/usr/bin/{component} {flags}", _LAYOUT) is None


@pytest.mark.parametrize(
    "command",
    [
        "",
        "bash",
        f"kubectl --kubeconfig={_LAYOUT.kubeconfig} get pods --watch",
        f"vim {_LAYOUT.kubeconfig}",
        f"tail -f {_LAYOUT.log(Component.ETCD)}",
        f"sh -c cd {_LAYOUT.directory} && etcd",
        f"grep --kubeconfig={_LAYOUT.kubeconfig} kwok",
        "/usr/bin/etcd --data-dir=/var/lib/etcd",
        "/usr/bin/kwok --kubeconfig=/home/ada/.kube/config",
    ],
)
def test_a_stranger_is_not_taken_for_a_component(command: str) -> None:
    """Clients, editors and other control planes are left alone."""
    assert component_of(command, _LAYOUT) is None
