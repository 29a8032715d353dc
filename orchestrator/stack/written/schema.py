"""The shape of the files that people write: ``stack.yaml`` and ``orchestrator.yaml``.

It is stated in the terms of pydantic's core, which checks all of it at once and from which the published JSON
Schema is generated. Models would say the same, but importing and building them takes three times as long as
everything else that ``validate`` does (130 ms).
"""

from typing import Final

from orchestrator.stack.written import terms as core_schema
from orchestrator.stack.written.durations import DURATION
from orchestrator.stack.written.guarding import GUARDS, ON_FAILURE
from orchestrator.stack.written.keys import (
    FLAG,
    LABEL,
    NAMED,
    SETTINGS,
    TEXT,
    Key,
    either,
    empty,
    list_of,
    map_of,
    named,
)

NAMESPACE: Final = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"  # RFC 1123
VARIABLE: Final = r"^[A-Za-z_][-A-Za-z0-9_]*$"
TYPE: Final = r"^[A-Za-z*][-A-Za-z0-9_.*?\[\]!]*$"
OWNER: Final = r"^(orchestrator|helm|flux|argocd|kapp|kluctl|controller)/.+$"
POINTER: Final = r"^(/([^~/]|~[01])+)+$"  # RFC 6901
CONDITION: Final = r"^[A-Za-z][-A-Za-z0-9_./]*(=(True|False|Unknown))?$"
VERSION: Final = 1

_ANY: Final = core_schema.any_schema()
_VALUES: Final = empty(core_schema.dict_schema(core_schema.str_schema(), _ANY))
_LABEL: Final = core_schema.str_schema(strict=True, pattern=LABEL)
_NEEDS: Final = list_of(TEXT)
_PROTECT: Final = Key(
    FLAG,
    "Never delete or replace anything of this unit unless a plan acknowledges it by name. It is remembered:"
    " leaving the key out changes nothing, and `false` lifts it once that is applied.",
)

_STATE: Final = map_of(
    {
        "backend": Key(
            TEXT,
            "A backend that Terraform knows, or `local` for a directory here.",
            "s3",
            required=True,
        ),
        "config": Key(
            _VALUES, "The backend's settings; `${{ unit }}` keeps the states of units apart."
        ),
    }
)
_CLUSTER: Final = map_of(
    {
        "sandbox": Key(
            FLAG, "Use the local control plane, and start it on need.", "true", default="false"
        ),
        "context": Key(TEXT, "A context of the kubeconfig; the current one by default.", "prod-eu"),
        "kubeconfig": Key(
            TEXT,
            "The path of a kubeconfig, if not the usual one; from the repository's root.",
            "~/.kube/config",
        ),
        "server": Key(
            TEXT,
            "The address of an API server, usually a module's output.",
            "https://10.0.0.1:6443",
        ),
        "certificate_authority": Key(
            TEXT, "The server's certificate authority, PEM or base64 of it."
        ),
        "token": Key(TEXT, "A bearer token for the server; never write one out here."),
        "exec": Key(
            list_of(TEXT, 1), "A command that prints a credential.", "[aws, eks, get-token]"
        ),
    }
)
_TERRAFORM: Final = map_of(
    {
        "binary": Key(TEXT, "A path, or a name on PATH; otherwise one is looked for.", "tofu"),
        "version": Key(
            TEXT, "Which versions are accepted, in Terraform's words.", '">= 1.9, < 2.0"'
        ),
        "environment": Key(
            list_of(TEXT), "Environment variables that Terraform gets beside the usual ones."
        ),
        "timeout": Key(
            core_schema.str_schema(strict=True, pattern=DURATION),
            "How long one command may take before it is interrupted.",
            "30m",
            default="4h",
        ),
    }
)
_LEDGER: Final = map_of(
    {
        "store": Key(
            core_schema.literal_schema(["git", "directory", "cluster"]),
            "What keeps it: refs of this repository, a directory, or a namespace of a cluster.",
            "directory",
            default="git",
        ),
        "remote": Key(
            either(False, NAMED, TEXT),  # noqa: FBT003 - the word itself
            "The Git remote that the ledger is pushed to, or `false` to keep it here.",
            "origin",
        ),
        "path": Key(
            TEXT,
            "The directory, from the repository's root; it has to be there.",
            "/srv/ledgers",
        ),
        "namespace": Key(
            core_schema.str_schema(strict=True, pattern=NAMESPACE),
            "The namespace in the cluster; it has to be there.",
            "platform",
        ),
        "context": Key(
            TEXT,
            "A context of the kubeconfig, for another cluster than the stack's own.",
            "management",
        ),
        "kubeconfig": Key(
            TEXT, "The path of a kubeconfig, if not the usual one; from the repository's root."
        ),
    }
)
_HEALTH: Final = map_of(
    {
        "kind": Key(TEXT, "The kind that it is about.", "Certificate", required=True),
        "group": Key(TEXT, "The kind's API group.", "cert-manager.io"),
        "condition": Key(
            core_schema.str_schema(strict=True, pattern=CONDITION),
            "The condition that has to be `True`, or `TYPE=STATUS`.",
            "Ready",
        ),
        "healthy": Key(
            TEXT, "What holds of a healthy object, in CEL.", "\"status.phase == 'Bound'\""
        ),
        "failed": Key(
            TEXT, "What holds of one that has failed, in CEL.", "\"status.phase == 'Lost'\""
        ),
    }
)
_WAIT: Final = either(
    False,  # noqa: FBT003 - the word itself
    SETTINGS,
    map_of(
        {
            "timeout": Key(
                core_schema.str_schema(strict=True, pattern=DURATION),
                "How long objects may take to become healthy, or to be gone.",
                "90s",
                default="5m",
            ),
            "health": Key(
                list_of(_HEALTH), "When objects of a kind are healthy, beyond what is known of it."
            ),
        }
    ),
)
_MODULE: Final = map_of(
    {
        "source": Key(
            TEXT,
            "A directory that starts with ./ or ../, or any address that Terraform accepts.",
            "./modules/network",
            required=True,
        ),
        "version": Key(TEXT, "Which versions of a registry module are accepted.", '"~> 5.0"'),
        "inputs": Key(_VALUES, "Values of the module's variables."),
        "terraform": Key(
            empty(_TERRAFORM),
            "What this module needs of its engine, over what the stack says, key by key.",
            '{version: "~> 1.9"}',
        ),
        "needs": Key(
            _NEEDS, "Modules to apply first, beyond those whose outputs are read.", "[network]"
        ),
        "protect": _PROTECT,
    }
)
_IGNORED: Final = map_of(
    {
        "paths": Key(
            list_of(core_schema.str_schema(strict=True, pattern=POINTER), 1),
            "JSON pointers into the manifest; an element of a list by its place, its name or `*`.",
            "[/spec/replicas]",
            required=True,
        ),
        "group": Key(TEXT, "The API group of the objects, or a pattern of it.", "apps"),
        "kind": Key(TEXT, "Their kind, or a pattern of it.", "Deployment"),
        "namespace": Key(TEXT, "Their namespace, or a pattern of it."),
        "name": Key(TEXT, "Their name, or a pattern of it.", "web-*"),
    }
)
_MANIFESTS: Final = map_of(
    {
        "path": Key(
            TEXT,
            "A file, a directory or a pattern of YAML or JSON documents.",
            "shop",
            required=True,
        ),
        "namespace": Key(TEXT, "The namespace of objects that name none.", "shop"),
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
            list_of(_IGNORED),
            "Fields that are left to whoever else sets them, such as an autoscaler.",
        ),
        "conflicts": Key(
            core_schema.literal_schema(["fail", "take", "leave"]),
            "What follows when another controller set a field that a manifest sets too.",
            "leave",
            default="fail",
        ),
        "adopt": Key(
            list_of(core_schema.str_schema(strict=True, pattern=OWNER)),
            "Patterns of the owners whose objects are taken over, such as Helm's releases.",
            "[helm/shop/web]",
        ),
        "replace": Key(
            FLAG,
            "Delete objects and make them anew where a field of theirs cannot be changed.",
            "true",
            default="false",
        ),
    }
)
_RISKS: Final = Key(
    named(
        core_schema.literal_schema(["data-loss", "recreated", "reversible"]),
        TYPE,
    ),
    "What deleting or replacing things costs, by resource type or kind; `*` stands for any text.",
    "{acme_ledger: data-loss}",
)
_SHARED: Final = {
    "state": Key(
        empty(_STATE),
        "Where Terraform state lives; a directory of this repository's checkout by default.",
    ),
    "cluster": Key(
        empty(_CLUSTER),
        "How the cluster is reached; by the current kubeconfig context by default.",
    ),
    "terraform": Key(empty(_TERRAFORM), "Which Terraform or OpenTofu runs the modules."),
    "ledger": Key(empty(_LEDGER), "Where the record of what was applied is kept."),
    "guards": Key(empty(GUARDS), "What a plan may not do unless somebody says that it is meant."),
    "on_failure": ON_FAILURE,
}
_VARS: Final = Key(named(_ANY, VARIABLE), "Values of your own, read as `${{ vars.NAME }}`.")
_VERSION: Final = Key(
    core_schema.literal_schema([VERSION]), "The version of this format.", "1", required=True
)

STACK: Final = map_of(
    {
        "version": _VERSION,
        "name": Key(_LABEL, "The stack's name, unique in the repository.", "shop", required=True),
        "vars": _VARS,
        "environments": Key(
            named(empty(map_of({"vars": _VARS, **_SHARED, "risks": _RISKS}))),
            "Variants of the stack; what one sets replaces the stack's own, variables by name.",
        ),
        **_SHARED,
        "risks": _RISKS,
        "modules": Key(named(_MODULE), "Terraform modules by name."),
        "manifests": Key(named(_MANIFESTS), "Sets of Kubernetes manifests by name."),
    }
)
PROJECT: Final = map_of(
    {
        "version": _VERSION._replace(required=False),
        "stacks": Key(
            list_of(TEXT, 1),
            "Patterns of the paths of stack files.",
            "[stacks/*/stack.yaml]",
            default="[stack.yaml, stacks/*/stack.yaml]",
        ),
        **{name: key for name, key in _SHARED.items() if name != "cluster"},
        "risks": _RISKS,
        "allow": Key(
            map_of(
                {
                    "sources": Key(
                        list_of(TEXT),
                        "Patterns of module sources that stacks may use beside local ones.",
                    ),
                    "clusters": Key(
                        list_of(TEXT), "Patterns of kubeconfig contexts that stacks may use."
                    ),
                    "kubeconfigs": Key(
                        list_of(TEXT),
                        "Patterns of kubeconfig files that stacks may name; without it none where `clusters` is given,"
                        " else any.",
                    ),
                }
            ),
            "What stacks may use; without it, anything.",
        ),
    }
)
