from typing import Any

import pytest

from orchestrator.errors import AccessDenied, ClusterError
from orchestrator.workloads.cluster.answers import (
    FieldConflict,
    Gone,
    Invalid,
    NamespaceMissing,
    NotServed,
    Request,
    Superseded,
    TooEarly,
    Unreadable,
    explain,
)
from tests.workloads.builders import ref

REQUEST = Request(
    verb="patch", resource="deployments.apps", namespace="shop", title="Deployment shop/web"
)


def answer(
    status: int, message: str, *, request: Request = REQUEST, **details: Any
) -> ClusterError:
    """Return the error for a Status with this message and these details."""
    return explain(
        status,
        {"kind": "Status", "message": message, "details": details},
        request,
        where="context dev",
    )


def test_expired_credentials_are_told_as_such() -> None:
    """A 401 is about who we are, and names the cluster."""
    error = answer(401, "Unauthorized")
    assert isinstance(error, AccessDenied)
    assert (
        error.message
        == "context dev does not accept the credentials: they are missing, wrong or expired"
    )


def test_a_forbidden_verb_is_named_with_its_resource() -> None:
    """A 403 by access rules says who may not do what, on what, where."""
    error = answer(
        403,
        'deployments.apps "web" is forbidden: User "ci" cannot patch resource "deployments" in API group "apps"'
        ' in the namespace "shop"',
    )
    assert isinstance(error, AccessDenied)
    assert (
        error.message == "the user 'ci' is not allowed to patch deployments.apps in namespace shop"
    )
    assert "kubectl auth can-i patch deployments.apps -n shop" in error.hint


def test_a_forbidden_cluster_wide_verb_names_no_namespace() -> None:
    """At cluster scope there is no namespace to name."""
    error = answer(
        403,
        'x is forbidden: User "ci" cannot list resource "nodes" in API group "" at the cluster scope',
    )
    assert error.message == "the user 'ci' is not allowed to list nodes"


def test_a_refusal_by_a_quota_is_not_about_access() -> None:
    """A 403 of admission is told in the server's words."""
    error = answer(403, 'pods "web" is forbidden: exceeded quota: small')
    assert not isinstance(error, AccessDenied)
    assert (
        error.message
        == 'patch Deployment shop/web was refused: pods "web" is forbidden: exceeded quota: small'
    )


def test_a_missing_namespace_is_told_from_a_missing_object() -> None:
    """A 404 may mean the namespace, the object or the kind."""
    missing = answer(404, 'namespaces "shop" not found', name="shop", kind="namespaces")
    assert isinstance(missing, NamespaceMissing)
    assert missing.namespace == "shop"
    assert missing.message == "Deployment shop/web: the namespace shop does not exist"
    assert isinstance(answer(404, "x", name="web", kind="deployments"), Gone)
    assert isinstance(explain(404, None, REQUEST, where="x"), NotServed)
    assert isinstance(answer(404, "the server could not find the requested resource"), NotServed)


def test_a_conflict_names_managers_and_fields() -> None:
    """A 409 of server-side apply says who set which field."""
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f'conflict with "{manager}" using v1{time}',
            "field": name,
        }
        for manager, name, time in [
            ("kubectl-edit", ".spec.replicas", ""),
            ("autoscaler", ".spec.template", " at 2026-01-01T00:00:00Z"),
            ("kubectl-edit", ".data.a", ""),
            ("kubelet", ".status.x", ' with subresource "status"'),
        ]
    ]
    error = answer(409, "Apply failed with 4 conflicts", causes=causes)
    assert isinstance(error, FieldConflict)
    assert error.owners == {
        "autoscaler": ("spec.template",),
        "kubectl-edit": ("spec.replicas", "data.a"),
        "kubelet (status)": ("status.x",),
    }
    assert "kubectl-edit set spec.replicas, data.a" in error.message


def test_a_precondition_that_fails_is_no_field_conflict() -> None:
    """A 409 without managers means another object than the one seen before."""
    assert isinstance(answer(409, "Precondition failed: UID"), Superseded)


def test_a_role_that_a_binding_lacks_is_named() -> None:
    """A server that looks up a role for a binding calls it a binding that is not found; we name the role."""
    request = Request(
        verb="patch",
        resource="rolebindings.rbac.authorization.k8s.io",
        namespace="shop",
        title="RoleBinding shop/readers",
    )
    message = 'rolebindings.rbac.authorization.k8s.io "reader" not found'
    error = answer(404, message, request=request, kind="rolebindings", name="reader")
    assert isinstance(error, TooEarly)
    assert error.message == "RoleBinding shop/readers: the role reader does not exist"
    group = "rbac.authorization.k8s.io"
    assert error.lacks.met_by(ref("Role", name="reader"))
    assert error.lacks.met_by(ref("ClusterRole", group=group, namespace="", name="reader"))
    assert not error.lacks.met_by(ref("Role", name="reader", namespace="other"))
    assert not error.lacks.met_by(ref("Role", name="writer"))


def test_an_immutable_field_is_named_with_a_way_out() -> None:
    """What cannot be changed in place says which field, and what to do instead."""
    causes = [
        {
            "reason": "FieldValueInvalid",
            "message": "Invalid value: x: field is immutable",
            "field": "spec.selector",
        }
    ]
    error = answer(422, "Deployment is invalid", causes=causes)
    assert (
        error.message
        == "Deployment shop/web exists, and these fields of it cannot be changed: spec.selector"
    )
    assert "another name" in error.hint


def test_a_policy_names_no_field() -> None:
    """A refusal without a field is told in the policy's words, also where these are those of immutability."""
    causes = [{"message": "ValidatingAdmissionPolicy 'tags' denied request: tags are immutable"}]
    error = answer(422, 'deployments "web" is forbidden', causes=causes)
    assert error.message.endswith(
        "exists, and it cannot be changed in this way: " + causes[0]["message"]
    )
    causes = [{"message": "ValidatingAdmissionPolicy 'tags' denied request: no tag"}]
    error = answer(422, 'deployments "web" is forbidden', causes=causes)
    assert error.message == f"Deployment shop/web is not valid: {causes[0]['message']}"


def test_invalid_fields_are_listed() -> None:
    """Every field that the server finds wrong is told with its reason."""
    causes = [
        {"message": "Required value", "field": "spec.a"},
        {"message": "Invalid value: -1: must be positive", "field": "spec.b"},
    ]
    error = answer(422, "is invalid", causes=causes)
    assert isinstance(error, Invalid)
    assert error.message.endswith(
        "is not valid: spec.a: Required value; spec.b: Invalid value: -1: must be positive"
    )


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (
            500,
            "failed to create typed patch object (shop/web; apps/v1): .spec.replcas: field not declared in schema",
        ),
        (400, 'strict decoding error: unknown field "spec.replcas"'),
    ],
)
def test_a_misspelt_field_is_named(status: int, message: str) -> None:
    """A field that the kind does not know is told by its path, whatever the status it comes with."""
    error = answer(status, message)
    assert isinstance(error, Invalid)
    assert (
        error.message == "Deployment shop/web has fields that its kind does not know: spec.replcas"
    )


def test_elements_of_one_name_are_told_in_order() -> None:
    """Which elements stand twice is told by their lists and keys, always in the same order."""
    pods = '.spec.template.spec.containers[name="c"]'
    told = [
        f'  {pods}.ports: duplicate entries for key [containerPort=80,protocol="TCP"]',
        f'  {pods}.env: duplicate entries for key [name="A"]',
    ]
    first, second = (
        answer(500, "\n".join(["failed to create typed patch object: errors:", *lines]))
        for lines in (told, told[::-1])
    )
    assert isinstance(first, Invalid)
    assert first.message == second.message
    inner = 'spec.template.spec.containers[name="c"]'
    assert first.message == (
        f'Deployment shop/web is not valid: {inner}.env[name="A"], '
        f'{inner}.ports[containerPort=80,protocol="TCP"] stands more than once'
    )


def test_a_value_that_cannot_be_read_is_told_in_few_words() -> None:
    """The server says that with 500, and not of which field: what it asks for is the part that helps."""
    kind = "apps/v1, Kind=Deployment"
    words = f"failed to convert new object (shop/web; {kind}) to proper version: unable to convert unstructured"
    error = answer(500, f"{words} object to {kind}: cannot convert float64 to int32")
    assert isinstance(error, Unreadable)
    assert error.message == "Deployment shop/web is not valid: cannot convert float64 to int32"
    assert "kubectl explain deployments.apps" in error.hint


def test_values_of_secrets_are_left_out() -> None:
    """A message about a Secret quotes no value of it."""
    request = Request(
        verb="patch", resource="secrets", namespace="shop", title="Secret shop/login", secret=True
    )
    causes = [{"message": 'Invalid value: "hunter2": must be short', "field": "data.a"}]
    error = answer(
        422,
        'Secret "login" is invalid: data.a: Invalid value: "hunter2": no',
        request=request,
        causes=causes,
    )
    assert "hunter2" not in f"{error.message}{error.detail}{error.hint}"
    assert "data.a: Invalid value: must be short" in error.message


def test_an_answer_that_is_no_status_is_told_by_its_number() -> None:
    """A proxy's page says nothing that helps; its status does."""
    error = explain(500, None, REQUEST, where="x")
    assert error.message == "patch Deployment shop/web failed: HTTP status 500"


def test_a_list_that_grew_too_old_is_gone() -> None:
    """A 410 asks to start over."""
    assert isinstance(answer(410, "too old resource version"), Gone)
