# Everything a person or a pipeline runs. Each target makes .venv from the lock files first, when
# it is missing or they changed. `make` alone lists the targets.

STACK ?= quickstart
ENV ?=
ARGS ?=
# The Python that .venv is made with: 3.11 or later, the first that fits of these, or PYTHON=….
PYTHON ?=

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.SUFFIXES:

orchestrator := .venv/bin/orchestrator
stack_options = $(STACK) $(if $(ENV),--env $(ENV)) $(ARGS)
# The quickstart touches nothing but a sandbox on this machine: where nobody can be asked, it starts.
# A stack that was named is never changed without a yes.
answer = $(if $(filter file,$(origin STACK)),$(shell test -t 0 || echo --yes))

# A virtual environment whose interpreter is gone is made again, whatever its stamps say.
ifeq ($(realpath .venv/bin/python),)
.PHONY: .venv/run.stamp .venv/dev.stamp
endif

.PHONY: help
help: ## list the targets
	@echo 'make TARGET [STACK=$(STACK)] [ENV=NAME] [ARGS="--more options"]'
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1 \2/p' $(firstword $(MAKEFILE_LIST)) | \
	  while read -r target text; do printf '  %-14s %s\n' "$$target" "$$text"; done

.PHONY: plan
plan: .venv/run.stamp ## show what would change
	@$(orchestrator) plan $(stack_options)

.PHONY: apply
apply: .venv/run.stamp ## change it, after a question; ARGS=--yes answers it
	@$(orchestrator) apply $(stack_options) $(answer)

.PHONY: destroy
destroy: .venv/run.stamp ## remove the workloads, then the infrastructure
	@$(orchestrator) destroy $(stack_options) $(answer)

.PHONY: validate
validate: .venv/run.stamp ## check the stack file and all it names, without a cluster
	@$(orchestrator) validate $(stack_options)

.PHONY: status
status: .venv/run.stamp ## show what is applied: revision, when, by whom, health
	@$(orchestrator) status $(stack_options)

.PHONY: doctor
doctor: .venv/run.stamp ## show which programs were found, and how to get what is missing
	@$(orchestrator) doctor $(ARGS)

.PHONY: sandbox-up
sandbox-up: .venv/run.stamp ## start the local control plane
	@$(orchestrator) sandbox up $(ARGS)

.PHONY: sandbox-down
sandbox-down: .venv/run.stamp ## stop it, and remove its data
	@$(orchestrator) sandbox down $(ARGS)

.PHONY: check
check: .venv/dev.stamp ## format, lint, types and import contracts, in seconds
	@.venv/bin/python -m tools.check

.PHONY: format
format: .venv/dev.stamp ## format, and mend what the linter can
	@.venv/bin/ruff check --fix --quiet --exit-zero && .venv/bin/ruff format

.PHONY: test
test: .venv/dev.stamp ## every test that decides a landing; ARGS="tests/stack -k words"
	@.venv/bin/pytest $(ARGS)

.PHONY: soak
soak: .venv/dev.stamp ## long seeded runs: crashes, histories, load
	@.venv/bin/pytest -m soak --timeout 3600 $(ARGS)

.PHONY: machine
machine: .venv/dev.stamp ## install from Debian, as root, what some tests need: an SSH server, a node for real Pods
	@.venv/bin/python -m tools.machine $(ARGS)

.PHONY: bench
bench: .venv/dev.stamp ## benchmarks beside the raw tools, in one run
	@.venv/bin/python -m benchmarks $(ARGS)

.PHONY: pictures
pictures: .venv/dev.stamp ## golden comments as a forge shows them, in .orchestrator/pictures; needs Chromium
	@.venv/bin/python -m tools.pictures $(ARGS)

.PHONY: docs
docs: .venv/dev.stamp ## write anew what docs/ takes from code: keys, verbs, errors, schemas
	@.venv/bin/python -m tools.reference

.PHONY: lock
lock: .venv/dev.stamp ## lock what pyproject.toml asks for; ARGS=--upgrade for the newest of all
	@.venv/bin/python -m tools.lock $(ARGS)

.PHONY: clean
clean: ## remove .venv and all caches; state and data of stacks stay
	rm -rf .venv .venv.lock dist .hypothesis
	rm -rf .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/run.stamp: requirements.lock requirements-embedded.lock pyproject.toml tools/environment.py
	@$(call with_python,tools/environment.py run)

.venv/dev.stamp: requirements-dev.lock requirements-embedded.lock pyproject.toml tools/environment.py
	@$(call with_python,tools/environment.py dev)

define with_python
for python in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11); do \
  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
    exec "$$python" $(1); \
  fi; \
done; \
echo 'make: no Python 3.11 or later as $(or $(PYTHON),python3); install one, or name it: make PYTHON=/path/to/python3' >&2; \
exit 1
endef
