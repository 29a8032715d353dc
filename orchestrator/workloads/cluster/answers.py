"""What the API server's refusals mean, in words that say what to do; pure.

A response's body may quote a Secret: only the parts of a Status that are known to be safe are used, and what
quotes values is left out for Secrets.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from orchestrator.errors import AccessDenied, ClusterError
from orchestrator.stack.model import Json
from orchestrator.workloads.cluster.immutability import immutable
from orchestrator.workloads.cluster.lacking import Lack, lack_in, missing_role
from orchestrator.workloads.cluster.passing import Webhook, may_pass, webhook_in

_FORBIDDEN: Final = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\w+) resource "(?P<resource>[^"]*)"'
    r' in API group "(?P<group>[^"]*)"(?: in the namespace "(?P<namespace>[^"]*)")?'
)
_SUBRESOURCE: Final = re.compile(r'subresource "(\w+)"')
_CONFLICT: Final = re.compile(r'conflict with "(?P<manager>[^"]*)"(?P<rest>[^:]*)')
_UNDECLARED: Final = re.compile(r"(?P<field>\.[^\s:]+): field not declared in schema")
_STRICT: Final = re.compile(r'(unknown|duplicate) field "(?P<field>[^"]+)"')
_WRONG_TYPE: Final = re.compile(
    r"\.(?P<field>[^\s:]+): expected (?P<wanted>\w+)(?: \([^)]*\))?, got "
    r"(?:&value\.valueUnstructured\{Value:(?P<bare>[^}\n]*)\}|&\{(?P<given>[^}\n]*)\}|(?P<type>\w+))"
)
_TWICE: Final = re.compile(r"\.(?P<list>\S+): duplicate entries for key (?P<key>\[[^\]]*\])")
_UNREADABLE: Final = re.compile(
    r"unable to convert unstructured object to [^:]+: (?P<why>.+)", re.DOTALL
)
_OTHER_OBJECT: Final = re.compile(r"\buid mismatch\b|\bUID in precondition\b")
_MODIFIED: Final = re.compile("object has been modified")
_QUOTED_VALUE: Final = re.compile(r"(Invalid|Unsupported|Duplicate) value: .*?(?=: |$)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked: a verb of access rules, the resource with its group, and the object's title.

    ``uid`` is the one that an object to be changed must still have, empty where any will do; ``absent`` says
    that there must be none.
    """

    verb: str
    resource: str
    namespace: str = ""
    title: str = ""
    secret: bool = False
    uid: str = ""
    absent: bool = False


class NamespaceMissing(ClusterError):
    """The object's namespace does not exist."""

    def __init__(self, message: str, *, namespace: str, hint: str = "") -> None:
        """Keep the name of the namespace beside the message."""
        super().__init__(message, hint=hint)
        self.namespace = namespace


class NotServed(ClusterError):
    """The server does not know the address: the kind is gone, or what we know of it is too old."""


class Gone(ClusterError):
    """The object does not exist (404), or what was seen of a list is too old (410)."""


class FieldConflict(ClusterError):
    """Other managers set fields of the object; ``owners`` maps each manager to its fields."""

    def __init__(
        self, message: str, *, owners: Mapping[str, tuple[str, ...]], hint: str = ""
    ) -> None:
        """Keep who owns what beside the message."""
        super().__init__(message, hint=hint)
        self.owners = owners


class Busy(ClusterError):
    """The server, a gateway before it or a webhook behind it could not answer, however often it was asked."""


class TooEarly(ClusterError):
    """Something that the object needs is not there yet, or not as it has to be; ``lacks`` says what.

    A controller may make it by itself, or the same plan.
    """

    def __init__(self, message: str, *, lacks: Lack, hint: str = "") -> None:
        """Keep what is needed beside the message."""
        super().__init__(message, hint=hint)
        self.lacks = lacks


class Invalid(ClusterError):
    """The server finds the manifest itself wrong; ``causes`` maps what is said to the field that it is about."""

    def __init__(
        self, message: str, *, causes: Mapping[str, str] | None = None, hint: str = ""
    ) -> None:
        """Keep what is wrong apart, beside the message."""
        super().__init__(message, hint=hint)
        self.causes = causes or {}


class Unreadable(Invalid):
    """A value of the manifest is not of the form that its field has; the server does not say which one."""


class Refused(ClusterError):
    """A rule of somebody's refuses what is asked for, in the words of that rule."""


class Superseded(ClusterError):
    """A precondition does not hold: the object is not the one that was seen before."""


class Appeared(ClusterError):
    """A precondition does not hold: there was no such object before, and now there is."""


def explain(status: int, body: Json, request: Request, *, where: str) -> ClusterError:
    """Return the error for a refusal: ``status`` is HTTP's, ``body`` a Status object or anything else.

    ``where`` names the cluster as people know it.
    """
    answer = body if isinstance(body, dict) else {}
    message = _message(answer, request) or f"HTTP status {status}"
    if webhook := webhook_in(message):
        return _unasked(webhook, request)
    if may_pass(status, body):
        hint = "it was asked again for a while; try later"
        return Busy(f"{where} is too busy, or not ready: {message}", hint=hint)
    if request.uid and _is_another(answer, message):
        return superseded(request.title, gone="no existing object" in message)
    if request.absent and _MODIFIED.search(message):
        return appeared(request.title)
    # These, and what cannot be read, come with 500, the first from servers before 1.27 only.
    if any(words.search(message) for words in (_UNDECLARED, _WRONG_TYPE, _TWICE)):
        return _invalid(answer, request, message)
    if unreadable := _UNREADABLE.search(message):
        return _unreadable(request, unreadable["why"])
    meanings = {
        400: _invalid,
        401: lambda *_: _unauthorized(where),
        403: _forbidden,
        404: _not_found,
        409: _conflict,
        410: _gone,
        422: _invalid,
    }
    return meanings.get(status, _failed)(answer, request, message)


def _unasked(webhook: Webhook, request: Request) -> Busy:
    return Busy(
        f"{_subject(request)} failed: the admission webhook {webhook.name} does not answer: {webhook.problem}",
        hint="is the service behind it running? kubectl get validatingwebhookconfigurations,"
        "mutatingwebhookconfigurations shows where it belongs, and its failurePolicy what is let pass",
    )


def superseded(title: str, *, gone: bool) -> Superseded:
    """Return the error for an object that is not the one which was planned for, or is ``gone``."""
    happened = "deleted" if gone else "replaced by another one"
    return Superseded(
        f"{title} was {happened} since the plan was made",
        hint="plan again, to see what is there now",
    )


def appeared(title: str) -> Appeared:
    """Return the error for an object that was to be created and that somebody else made meanwhile."""
    return Appeared(
        f"{title} was created by somebody else since the plan was made",
        hint="plan again, to see what is there now and what taking it over would change",
    )


def _is_another(answer: Mapping[str, Json], message: str) -> bool:
    """Whether a refusal says that the uid is not that of the object: 422 where there is one, else 409."""
    fields = {item.get("field") for item in _causes(answer)}
    return "metadata.uid" in fields or bool(_OTHER_OBJECT.search(message))


def _failed(_: Mapping[str, Json], request: Request, message: str) -> ClusterError:
    return ClusterError(f"{_subject(request)} failed: {message}")


def _gone(_: Mapping[str, Json], request: Request, message: str) -> ClusterError:
    return Gone(f"{request.title or request.resource} is gone: {message}")


def _unauthorized(where: str) -> AccessDenied:
    return AccessDenied(
        f"{where} does not accept the credentials: they are missing, wrong or expired",
        hint="log in again; kubectl auth whoami shows who the server thinks you are",
    )


def _forbidden(_: Mapping[str, Json], request: Request, message: str) -> ClusterError:
    found = _FORBIDDEN.search(message)
    if lacks := lack_in(message, request.namespace):
        return TooEarly(f"{_subject(request)} was refused: {message}", lacks=lacks)
    if found is None:
        return Refused(f"{_subject(request)} was refused: {message}")
    resource = ".".join(filter(None, (found["resource"], found["group"])))
    namespace = f" in namespace {found['namespace']}" if found["namespace"] else ""
    flag = f" -n {found['namespace']}" if found["namespace"] else ""
    if found["user"].startswith("system:serviceaccount:"):  # which is asked by somebody else
        flag += f" --as {found['user']}"
    return AccessDenied(
        f"the user {found['user']!r} is not allowed to {found['verb']} {resource}{namespace}",
        hint=f"grant it; kubectl auth can-i {found['verb']} {resource}{flag} tells when it holds",
    )


def _not_found(answer: Mapping[str, Json], request: Request, message: str) -> ClusterError:
    details = answer.get("details")
    if not isinstance(details, dict) or not details.get("kind"):
        return NotServed(f"the server does not serve {request.resource}")
    if details.get("kind") == "namespaces" and request.resource != "namespaces":
        name = str(details.get("name"))
        return NamespaceMissing(
            f"{request.title or request.resource}: the namespace {name} does not exist",
            namespace=name,
            hint=f"add the Namespace {name} to a manifest set, or create it",
        )
    name = str(details.get("name"))
    role = missing_role(request.resource, request.namespace, name)
    if role and request.verb == "patch":
        return TooEarly(
            f"{request.title}: the role {name} does not exist",
            lacks=role,
            hint=f"add the role {name} to a manifest set, or create it",
        )
    return Gone(f"{request.title or request.resource} does not exist: {message}")


def _subresource(rest: str) -> str:
    """Return by which subresource a manager set a field, in parentheses; people scale with kubectl, too."""
    found = _SUBRESOURCE.search(rest)
    return f" ({found[1]})" if found else ""


def _conflict(answer: Mapping[str, Json], request: Request, message: str) -> ClusterError:
    owners: dict[str, list[str]] = {}
    for cause in _causes(answer):
        found = _CONFLICT.search(str(cause.get("message")))
        if cause.get("reason") == "FieldManagerConflict" and found:
            manager = found["manager"] + _subresource(found["rest"])
            owners.setdefault(manager, []).append(str(cause.get("field")).removeprefix("."))
    if not owners:
        unchangeable = immutable(request.title, (), message)
        if unchangeable is not None:
            return unchangeable
        return Superseded(f"{_subject(request)} was refused: {message}")
    told = "; ".join(
        f"{manager} set {', '.join(fields)}" for manager, fields in sorted(owners.items())
    )
    return FieldConflict(
        f"{request.title} is also managed by others: {told}",
        owners={manager: tuple(fields) for manager, fields in sorted(owners.items())},
        hint="leave these fields out of the manifest, or annotate the object with "
        "orchestrator/force: enabled to take them over",
    )


def _invalid(answer: Mapping[str, Json], request: Request, message: str) -> ClusterError:
    undeclared = [found["field"].lstrip(".") for found in _UNDECLARED.finditer(message)]
    undeclared += [found["field"] for found in _STRICT.finditer(message)]
    if undeclared:
        names = ", ".join(dict.fromkeys(undeclared))
        return Invalid(
            f"{request.title} has fields that its kind does not know: {names}",
            hint=f"check the spelling and the indentation; kubectl explain {request.resource} lists them",
        )
    if _WRONG_TYPE.search(message):
        return _wrong_types(request, message)
    if _TWICE.search(message):
        return _said_twice(request, message)
    causes = [(str(item.get("field") or ""), _cause(item, request)) for item in _causes(answer)]
    # What is not there has nothing that cannot be changed, whatever words a policy refuses it with.
    unchangeable = None if request.absent else immutable(request.title, causes, message)
    if unchangeable is not None:
        return unchangeable
    told = {": ".join(filter(None, (name, text))): name for name, text in causes}
    listed = "; ".join(told) or message
    return Invalid(f"{request.title or request.resource} is not valid: {listed}", causes=told)


def _wrong_types(request: Request, message: str) -> Invalid:
    found = {
        f"{each['field']} has to be a {_TYPES.get(each['wanted'], each['wanted'])}"
        + _given(each, request): each["field"]
        for each in _WRONG_TYPE.finditer(message)
    }
    hint = "quotes make a text of a number; an expression that is the whole value keeps the type of what it reads"
    wants_text = any(each["wanted"] == "string" for each in _WRONG_TYPE.finditer(message))
    told = "; ".join(found)
    hint = hint if wants_text else ""
    return Invalid(f"{request.title} is not valid: {told}", causes=found, hint=hint)


def _unreadable(request: Request, why: str) -> Unreadable:
    return Unreadable(
        f"{request.title or request.resource} is not valid: {why}",
        hint="a value does not have the form of its field, such as an amount, which is written like 250m, 1.5 or 2Gi; "
        f"kubectl explain {request.resource} --recursive lists the types",
    )


def _said_twice(request: Request, message: str) -> Invalid:
    """Return the refusal of lists with several elements of one name, in an order that the server does not give them."""
    found = {f"{each['list']}{each['key']}": each["list"] for each in _TWICE.finditer(message)}
    return Invalid(
        f"{request.title} is not valid: {', '.join(sorted(found))} stands more than once",
        causes={f"{name} stands more than once": path for name, path in found.items()},
        hint="remove or rename all but one of each",
    )


_TYPES: Final = {"numeric": "number"}


def _given(found: re.Match[str], request: Request) -> str:
    if found["type"]:
        return f", not a {found['type']}"
    return "" if request.secret else f", not {found['bare'] or found['given']}"


def _cause(item: Mapping[str, Json], request: Request) -> str:
    text = str(item.get("message"))
    return _QUOTED_VALUE.sub(r"\1 value", text) if request.secret else text


def _message(answer: Mapping[str, Json], request: Request) -> str:
    text = answer.get("message")
    if not isinstance(text, str):
        return ""
    return _QUOTED_VALUE.sub(r"\1 value", text) if request.secret else text


def _causes(answer: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    details = answer.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    return (item for item in (causes if isinstance(causes, list) else ()) if isinstance(item, dict))


def _subject(request: Request) -> str:
    return f"{request.verb} {request.title or request.resource}"
