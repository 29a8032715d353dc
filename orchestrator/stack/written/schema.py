"""The shape of the files that people write: ``stack.yaml`` and ``orchestrator.yaml``.

It is stated in the terms of pydantic's core, which checks all of it at once and from which the published JSON
Schema is generated. Models would say the same, but importing and building them takes three times as long as
everything else that ``validate`` does (130 ms).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from orchestrator.stack.written import terms as core_schema
from orchestrator.stack.written.durations import DURATION

if TYPE_CHECKING:
    from pydantic_core.core_schema import CoreSchema

LABEL: Final = r"^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$"  # at most 40 characters
NAMESPACE: Final = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"  # RFC 1123
VARIABLE: Final = r"^[A-Za-z_][-A-Za-z0-9_]*$"
TYPE: Final = r"^[A-Za-z*][-A-Za-z0-9_.*?\[\]!]*$"
SHARE: Final = r"^(100|[1-9]?[0-9])%$"
OWNER: Final = r"^(orchestrator|helm|flux|argocd|kapp|kluctl|controller)/.+$"
POINTER: Final = r"^(/([^~/]|~[01])+)+$"  # RFC 6901
CONDITION: Final = r"^[A-Za-z][-A-Za-z0-9_./]*(=(True|False|Unknown))?$"
VERSION: Final = 1

OFF: Final = (
    "{off}"  # tags of a choice; no key of a file looks like this, so they are told from keys
)
SETTINGS: Final = "{settings}"
NAMED: Final = "{named}"


class Key(NamedTuple):
    """One key of a map: its value's schema, what it is for, and an example of its value.

    ``default`` is the value that leaving the key out means, where it is one; like the example, as people
    write it.
    """

    schema: "CoreSchema"
    description: str
    example: str = ""
    required: bool = False
    default: str = ""


def _described(key: Key) -> dict[str, Any]:
    published: dict[str, Any] = {"description": key.description}
    if key.example:
        published["examples"] = [key.example]
    if key.default:
        published["default"] = key.default
    return {"pydantic_js_updates": published}


def _map(keys: Mapping[str, Key]) -> "CoreSchema":
    fields = {
        name: core_schema.typed_dict_field(
            key.schema, required=key.required, metadata=_described(key)
        )
        for name, key in keys.items()
    }
    return core_schema.typed_dict_schema(fields, extra_behavior="forbid")


def _named(values: "CoreSchema", pattern: str = LABEL) -> "CoreSchema":
    keys = core_schema.str_schema(pattern=pattern)
    return _empty(core_schema.dict_schema(keys, values))


def _empty(schema: "CoreSchema") -> "CoreSchema":
    """Allow a key with nothing behind it, as it is left when every entry was commented out."""
    return core_schema.nullable_schema(schema)


def _list(items: "CoreSchema", shortest: int | None = None) -> "CoreSchema":
    return core_schema.list_schema(items, min_length=shortest, strict=True)


def _either(word: Any, tag: str, schema: "CoreSchema") -> "CoreSchema":
    """Return the schema of a constant ``word`` or of what ``schema`` says."""
    choices = {OFF: core_schema.literal_schema([word]), tag: schema}
    return core_schema.tagged_union_schema(choices, lambda value: OFF if value is word else tag)


_TEXT: Final = core_schema.str_schema(strict=True, min_length=1)
_FLAG: Final = core_schema.bool_schema(strict=True)
_ANY: Final = core_schema.any_schema()
_VALUES: Final = _empty(core_schema.dict_schema(core_schema.str_schema(), _ANY))
_LABEL: Final = core_schema.str_schema(strict=True, pattern=LABEL)
_NEEDS: Final = _list(_TEXT)
_PROTECT: Final = Key(
    _FLAG,
    "Never delete or replace anything of this unit unless a plan acknowledges it by name.",
    default="false",
)

_STATE: Final = _map(
    {
        "backend": Key(
            _TEXT,
            "A backend that Terraform knows, or `local` for a directory here.",
            "s3",
            required=True,
        ),
        "config": Key(
            _VALUES, "The backend's settings; `${{ unit }}` keeps the states of units apart."
        ),
    }
)
_CLUSTER: Final = _map(
    {
        "sandbox": Key(
            _FLAG, "Use the local control plane, and start it on need.", "true", default="false"
        ),
        "context": Key(
            _TEXT, "A context of the kubeconfig; the current one by default.", "prod-eu"
        ),
        "kubeconfig": Key(
            _TEXT, "The path of a kubeconfig, if not the usual one.", "~/.kube/config"
        ),
        "server": Key(
            _TEXT,
            "The address of an API server, usually a module's output.",
            "https://10.0.0.1:6443",
        ),
        "certificate_authority": Key(
            _TEXT, "The server's certificate authority, PEM or base64 of it."
        ),
        "token": Key(_TEXT, "A bearer token for the server; never write one out here."),
        "exec": Key(
            _list(_TEXT, 1), "A command that prints a credential.", "[aws, eks, get-token]"
        ),
    }
)
_TERRAFORM: Final = _map(
    {
        "binary": Key(_TEXT, "A path, or a name on PATH; otherwise one is looked for.", "tofu"),
        "version": Key(
            _TEXT, "Which versions are accepted, in Terraform's words.", '">= 1.9, < 2.0"'
        ),
        "environment": Key(
            _list(_TEXT), "Environment variables that Terraform gets beside the usual ones."
        ),
        "timeout": Key(
            core_schema.str_schema(strict=True, pattern=DURATION),
            "How long one command may take before it is interrupted.",
            "30m",
            default="4h",
        ),
    }
)
_LEDGER: Final = _map(
    {
        "store": Key(
            core_schema.literal_schema(["git", "directory", "cluster"]),
            "What keeps it: refs of this repository, a directory, or a namespace of a cluster.",
            "directory",
            default="git",
        ),
        "remote": Key(
            _either(False, NAMED, _TEXT),  # noqa: FBT003 - the word itself
            "The Git remote that the ledger is pushed to, or `false` to keep it here.",
            "origin",
        ),
        "path": Key(
            _TEXT,
            "The directory, from the repository's root; it has to be there.",
            "/srv/ledgers",
        ),
        "namespace": Key(
            core_schema.str_schema(strict=True, pattern=NAMESPACE),
            "The namespace in the cluster; it has to be there.",
            "platform",
        ),
        "context": Key(
            _TEXT,
            "A context of the kubeconfig, for another cluster than the stack's own.",
            "management",
        ),
        "kubeconfig": Key(_TEXT, "The path of a kubeconfig, if not the usual one."),
    }
)
_GUARDS: Final = _map(
    {
        "prune": Key(
            core_schema.str_schema(strict=True, pattern=SHARE),
            "The share of its objects that a set, or the stack, may lose by one apply without it being"
            " acknowledged; if left out, half of them, and at least ten.",
            "20%",
        )
    }
)
_HEALTH: Final = _map(
    {
        "kind": Key(_TEXT, "The kind that it is about.", "Certificate", required=True),
        "group": Key(_TEXT, "The kind's API group.", "cert-manager.io"),
        "condition": Key(
            core_schema.str_schema(strict=True, pattern=CONDITION),
            "The condition that has to be `True`, or `TYPE=STATUS`.",
            "Ready",
        ),
        "healthy": Key(
            _TEXT, "What holds of a healthy object, in CEL.", "\"status.phase == 'Bound'\""
        ),
        "failed": Key(
            _TEXT, "What holds of one that has failed, in CEL.", "\"status.phase == 'Lost'\""
        ),
    }
)
_WAIT: Final = _either(
    False,  # noqa: FBT003 - the word itself
    SETTINGS,
    _map(
        {
            "timeout": Key(
                core_schema.str_schema(strict=True, pattern=DURATION),
                "How long objects may take to become healthy.",
                "90s",
                default="5m",
            ),
            "health": Key(
                _list(_HEALTH), "When objects of a kind are healthy, beyond what is known of it."
            ),
        }
    ),
)
_MODULE: Final = _map(
    {
        "source": Key(
            _TEXT,
            "A directory that starts with ./ or ../, or any address that Terraform accepts.",
            "./modules/network",
            required=True,
        ),
        "version": Key(_TEXT, "Which versions of a registry module are accepted.", '"~> 5.0"'),
        "inputs": Key(_VALUES, "Values of the module's variables."),
        "terraform": Key(
            _empty(_TERRAFORM),
            "What this module needs of its engine, over what the stack says, key by key.",
            '{version: "~> 1.9"}',
        ),
        "needs": Key(
            _NEEDS, "Modules to apply first, beyond those whose outputs are read.", "[network]"
        ),
        "protect": _PROTECT,
    }
)
_IGNORED: Final = _map(
    {
        "paths": Key(
            _list(core_schema.str_schema(strict=True, pattern=POINTER), 1),
            "JSON pointers into the manifest; an element of a list by its place, its name or `*`.",
            "[/spec/replicas]",
            required=True,
        ),
        "group": Key(_TEXT, "The API group of the objects, or a pattern of it.", "apps"),
        "kind": Key(_TEXT, "Their kind, or a pattern of it.", "Deployment"),
        "namespace": Key(_TEXT, "Their namespace, or a pattern of it."),
        "name": Key(_TEXT, "Their name, or a pattern of it.", "web-*"),
    }
)
_MANIFESTS: Final = _map(
    {
        "path": Key(
            _TEXT,
            "A file, a directory or a pattern of YAML or JSON documents.",
            "shop",
            required=True,
        ),
        "namespace": Key(_TEXT, "The namespace of objects that name none.", "shop"),
        "needs": Key(
            _NEEDS, "Units to apply first, beyond those whose outputs are read.", "[platform]"
        ),
        "protect": _PROTECT,
        "wait": Key(_WAIT, "How to wait for health, or `false` not to."),
        "drift": Key(
            core_schema.literal_schema(["heal", "report", "ignore"]),
            "What follows when the cluster differs from what was applied.",
            "report",
            default="heal",
        ),
        "ignore": Key(
            _list(_IGNORED),
            "Fields that are left to whoever else sets them, such as an autoscaler.",
        ),
        "conflicts": Key(
            core_schema.literal_schema(["fail", "take", "leave"]),
            "What follows when another controller set a field that a manifest sets too.",
            "leave",
            default="fail",
        ),
        "adopt": Key(
            _list(core_schema.str_schema(strict=True, pattern=OWNER)),
            "Patterns of the owners whose objects are taken over, such as Helm's releases.",
            "[helm/shop/web]",
        ),
        "replace": Key(
            _FLAG,
            "Delete objects and make them anew where a field of theirs cannot be changed.",
            "true",
            default="false",
        ),
    }
)
_RISKS: Final = Key(
    _named(
        core_schema.literal_schema(["data-loss", "recreated", "reversible"]),
        TYPE,
    ),
    "What deleting or replacing things costs, by resource type or kind; `*` stands for any text.",
    "{acme_ledger: data-loss}",
)
_SHARED: Final = {
    "state": Key(
        _empty(_STATE),
        "Where Terraform state lives; a directory of this repository's checkout by default.",
    ),
    "cluster": Key(
        _empty(_CLUSTER),
        "How the cluster is reached; by the current kubeconfig context by default.",
    ),
    "terraform": Key(_empty(_TERRAFORM), "Which Terraform or OpenTofu runs the modules."),
    "ledger": Key(_empty(_LEDGER), "Where the record of what was applied is kept."),
    "guards": Key(_empty(_GUARDS), "What a plan may not do unless somebody says that it is meant."),
}
_VARS: Final = Key(_named(_ANY, VARIABLE), "Values of your own, read as `${{ vars.NAME }}`.")
_VERSION: Final = Key(
    core_schema.literal_schema([VERSION]), "The version of this format.", "1", required=True
)

STACK: Final = _map(
    {
        "version": _VERSION,
        "name": Key(_LABEL, "The stack's name, unique in the repository.", "shop", required=True),
        "vars": _VARS,
        "environments": Key(
            _named(_empty(_map({"vars": _VARS, **_SHARED, "risks": _RISKS}))),
            "Variants of the stack; what one sets replaces the stack's own, variables by name.",
        ),
        **_SHARED,
        "risks": _RISKS,
        "modules": Key(_named(_MODULE), "Terraform modules by name."),
        "manifests": Key(_named(_MANIFESTS), "Sets of Kubernetes manifests by name."),
    }
)
PROJECT: Final = _map(
    {
        "version": _VERSION._replace(required=False),
        "stacks": Key(
            _list(_TEXT, 1),
            "Patterns of the paths of stack files.",
            "[stacks/*/stack.yaml]",
            default="[stack.yaml, stacks/*/stack.yaml]",
        ),
        **{name: key for name, key in _SHARED.items() if name != "cluster"},
        "risks": _RISKS,
        "allow": Key(
            _map(
                {
                    "sources": Key(
                        _list(_TEXT),
                        "Patterns of module sources that stacks may use beside local ones.",
                    ),
                    "clusters": Key(
                        _list(_TEXT), "Patterns of kubeconfig contexts that stacks may use."
                    ),
                }
            ),
            "What stacks may use; without it, anything.",
        ),
    }
)
