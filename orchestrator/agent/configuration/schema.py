"""The shape of the agent's file, in the terms in which the stack file's is stated."""

from typing import Any, Final

from orchestrator.agent.configuration import notifications
from orchestrator.stack.published import published
from orchestrator.stack.written import terms as core_schema
from orchestrator.stack.written.durations import DURATION
from orchestrator.stack.written.guarding import WINDOWS
from orchestrator.stack.written.keys import (
    FLAG,
    LABEL,
    TEXT,
    Key,
    either,
    empty,
    list_of,
    map_of,
    named,
)
from orchestrator.stack.written.shape import Form

VERSION: Final = 1
SIZE: Final = r"^[1-9][0-9]*(MiB|GiB)$"
ACCOUNT: Final = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$"
NAMESPACE: Final = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
ADDRESS: Final = r"^(\[[0-9a-fA-F:]+\]|[-.A-Za-z0-9]*):[0-9]{1,5}$"
FORMS: Final = {
    **notifications.FORMS,
    SIZE: Form("is not an amount of memory", "write one such as 512MiB or 2GiB"),
    ACCOUNT: Form("names no service account", "write NAMESPACE/NAME, such as shop/deployer"),
    NAMESPACE: Form(
        "is no name of a namespace", "such as orchestrator: lower case, digits and dashes"
    ),
    ADDRESS: Form("is no address to listen on", "write HOST:PORT, such as 0.0.0.0:8080"),
}
"""What is told of a text that does not fit one of these patterns."""

_OFF: Final = "{never}"
_DURATION: Final = core_schema.str_schema(strict=True, pattern=DURATION)
_OFTEN: Final = either(False, _OFF, _DURATION)  # noqa: FBT003 - the word itself
_PATTERNS: Final = list_of(TEXT)
_DRIFT: Final = map_of(
    {
        "policy": Key(
            core_schema.literal_schema(["heal", "report", "ignore"]),
            "What follows when what runs differs from what was applied: bring it back, say so, or do not look.",
            "report",
            default="heal",
        ),
        "workloads": Key(
            _OFTEN, "How often to look at the cluster, or `false`.", "1m", default="5m"
        ),
        "infrastructure": Key(
            _OFTEN, "How often to have Terraform look too, or `false`.", "1h", default="6h"
        ),
    }
)
_STACK: Final = {
    "environments": Key(
        list_of(TEXT, 1), "The environments to keep equal to Git; all by default.", "[production]"
    ),
    "drift": Key(empty(_DRIFT), "When to look for drift, and what follows."),
    "approval": Key(
        FLAG,
        "Whether a plan is applied only once somebody approved it, with `orchestrator approve`; until then it is"
        " announced.",
        "true",
        default="false",
    ),
    "windows": Key(
        empty(WINDOWS), "The times at which changes may be applied, beside the stack's own."
    ),
    "vanished": Key(
        core_schema.literal_schema(["keep", "destroy"]),
        "What follows when Git declares the stack, or an environment, no longer.",
        "destroy",
        default="keep",
    ),
    "service_account": Key(
        core_schema.str_schema(strict=True, pattern=ACCOUNT),
        "The service account whose rights hold in the cluster for this stack, as NAMESPACE/NAME.",
        "shop/deployer",
    ),
}
_CREDENTIALS: Final = map_of(
    {
        "username": Key(TEXT, "The user's name, over HTTP.", "agent"),
        "password_file": Key(TEXT, "The file with the password or token.", "/etc/agent/git-token"),
        "ssh_key_file": Key(TEXT, "The file with the private key, over SSH.", "/etc/agent/id"),
        "known_hosts_file": Key(TEXT, "The file with the keys of hosts, over SSH."),
    }
)
_SIGNED: Final = map_of(
    {
        "ssh": Key(
            TEXT, "A file of allowed signers, as `ssh-keygen` reads it.", "/etc/agent/signers"
        ),
        "gpg": Key(TEXT, "A file of OpenPGP public keys.", "/etc/agent/keys.asc"),
    }
)
_WEBHOOK: Final = map_of(
    {
        "kind": Key(
            core_schema.literal_schema(["github", "gitlab", "gitea", "generic"]),
            "Who sends it.",
            "github",
            required=True,
        ),
        "secret_file": Key(
            TEXT,
            "The file with the secret that it is signed with.",
            "/etc/agent/hook",
            required=True,
        ),
    }
)
_STATUSES: Final = map_of(
    {
        "kind": Key(
            core_schema.literal_schema(["github", "gitlab", "gitea"]),
            "Which forge it is.",
            "github",
            required=True,
        ),
        "api": Key(
            TEXT,
            "The address of its API; that of GitHub itself, if left out.",
            "https://gitlab.example.org/api/v4",
        ),
        "repository": Key(TEXT, "The repository there.", "acme/shop", required=True),
        "token_file": Key(
            TEXT,
            "The file with a token that may set statuses of commits.",
            "/etc/agent/forge-token",
            required=True,
        ),
    }
)
_ALLOW: Final = map_of(
    {
        "modules": Key(
            FLAG,
            "Whether they may have modules, `terraform.binary`, `cluster.exec` and a kubeconfig of their own: whatever"
            " code these bring runs with the agent's rights.",
            "false",
            default="true",
        ),
        "clusters": Key(
            _PATTERNS,
            "Kubeconfig contexts or addresses of API servers; `sandbox`, and `current` for where the agent is.",
            "[current]",
        ),
        "namespaces": Key(
            list_of(core_schema.str_schema(strict=True)),
            "Namespaces of objects; an empty text stands for objects that are in none, and `*` for all.",
            "[shop, shop-*]",
        ),
        "sources": Key(
            _PATTERNS,
            "Sources of modules beside the repository's own, also of those that modules of the repository call.",
            "[]",
        ),
        "ledgers": Key(
            _PATTERNS,
            "Where ledgers may be: `git`, `directory:PATH` or `cluster:NAMESPACE`; without it, anywhere but in other"
            " `namespaces` of a cluster.",
            "[git]",
        ),
    }
)
_LEADER: Final = map_of(
    {
        "namespace": Key(
            core_schema.str_schema(strict=True, pattern=NAMESPACE),
            "The namespace in which replicas keep their Leases.",
            "orchestrator",
            required=True,
        ),
        "context": Key(
            TEXT,
            "The kubeconfig context of its cluster; by default the current one, or in a Pod the Pod's own cluster.",
            "prod-eu",
        ),
        "kubeconfig": Key(TEXT, "The file that has the context.", "/etc/agent/kubeconfig"),
        "lease": Key(
            _DURATION,
            "How long a replica may be silent until the others take its stacks over.",
            "10s",
            default="15s",
        ),
    }
)
_REPOSITORY: Final = map_of(
    {
        "url": Key(TEXT, "Where it is.", "https://git.example.org/shop.git", required=True),
        "branch": Key(TEXT, "The branch that counts.", "production", default="main"),
        "path": Key(
            TEXT,
            "The folder below which its stack files are; stacks elsewhere in it are none of the agent's business.",
            "teams/shop",
        ),
        "poll": Key(
            _DURATION, "How often to ask whether it moved; `100ms` at least.", "30s", default="1m"
        ),
        "credentials": Key(empty(_CREDENTIALS), "What is shown to the remote."),
        "signed": Key(
            empty(_SIGNED), "Take only commits that are signed by one of these, and only forwards."
        ),
        "webhook": Key(empty(_WEBHOOK), "Who tells at once of new commits, at `/hooks/NAME`."),
        "statuses": Key(empty(_STATUSES), "The forge that shows how each stack is at a commit."),
        "allow": Key(empty(_ALLOW), "What its stacks may use; without it, anything."),
        "stacks": Key(
            named(empty(map_of(_STACK))),
            "Its stacks by name, and what is different for them; all stacks, if left out.",
        ),
    }
)
AGENT: Final = map_of(
    {
        "version": Key(
            core_schema.literal_schema([VERSION]), "The version of this format.", "1", required=True
        ),
        "name": Key(
            core_schema.str_schema(strict=True, pattern=LABEL),
            "What the agent is called in ledgers, logs and notifications.",
            "platform",
            default="agent",
        ),
        "directory": Key(
            TEXT,
            "Where it keeps clones and what it remembers; if left out, among what is kept for this user.",
            "/var/lib/orchestrator",
        ),
        "listen": Key(
            core_schema.str_schema(strict=True, pattern=ADDRESS),
            "The address on which it takes webhooks and answers `/healthz`, `/readyz` and `/metrics`; none by default.",
            '"0.0.0.0:8080"',
        ),
        "workers": Key(
            core_schema.int_schema(ge=1, le=64, strict=True),
            "How many stacks it works on at the same time.",
            "8",
            default="4",
        ),
        "leader": Key(
            _LEADER,
            "Where several replicas agree on who keeps which stacks; without it, it is alone.",
        ),
        "limits": Key(
            empty(
                map_of(
                    {
                        "time": Key(
                            _DURATION,
                            "How long one run may take; `1s` at least.",
                            "30m",
                            default="1h",
                        ),
                        "memory": Key(
                            core_schema.str_schema(strict=True, pattern=SIZE),
                            "How much memory one run may take, with all that it starts; `64MiB` at least.",
                            "1GiB",
                            default="2GiB",
                        ),
                        "grace": Key(
                            _DURATION,
                            "How long a run may take to stop when the agent is told to.",
                            "1m",
                            default="25s",
                        ),
                    }
                )
            ),
            "What one run may take.",
        ),
        "retry": Key(
            empty(
                map_of(
                    {
                        "first": Key(
                            _DURATION,
                            "How long to wait after a first failure; it doubles with each.",
                            "1m",
                            default="15s",
                        ),
                        "most": Key(_DURATION, "How long to wait at most.", "1h", default="15m"),
                        "attempts": Key(
                            core_schema.int_schema(ge=1, strict=True),
                            "How often one revision is applied that fails, before it waits for a newer one.",
                            "1",
                            default="5",
                        ),
                    }
                )
            ),
            "When what failed is tried again.",
        ),
        "defaults": Key(
            empty(map_of(_STACK)), "What holds for every stack that says nothing else."
        ),
        "notifications": Key(
            empty(notifications.NOTIFICATIONS),
            "Who is told of failures, recoveries, drift, approvals that are wanted and rollbacks, by a name.",
        ),
        "repositories": Key(
            named(_REPOSITORY), "The repositories to watch, by a name.", required=True
        ),
    }
)


def agent_json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the agent's file."""
    return published(
        AGENT, "Agent", "What the pull agent watches, and how it keeps it equal to Git."
    )
