# The commands of this project. `make help` lists them.
#
# With KLING_ACCESS_KEY and KLING_SECRET_KEY (or KLING_API_KEY) set, `make up` and `make run` use Kling itself.
# PORT=9000 chooses the port of the local stack, PROVIDER_ACCOUNTS=3 simulates so many, ONCE=1 ends `make run` after the sample job,
# PYTHON=/path/to/python overrides the interpreter that is looked for.

SHELL := /bin/sh
.DEFAULT_GOAL := help

PORT ?= 8080
PROVIDER_ACCOUNTS ?= 1
ONCE ?=
YES ?=
RECORD ?=
MEASURE ?=
UPGRADE ?=
FUNCTIONS ?=
BUILT ?=
WORKERS ?= 3
COVERAGE ?=

# The newest Python on the PATH or under pyenv. A shim of pyenv may name a version that is not active.
find_python = for version in $(1); do \
	for candidate in "python$$version" "$$HOME"/.pyenv/versions/$$version.*/bin/python; do \
		"$$candidate" -c 'import sys' >/dev/null 2>&1 && { "$$candidate" -c 'import sys; print(sys.executable)'; exit; }; \
	done; done
ifndef PYTHON
PYTHON := $(shell $(call find_python,3.13 3.12 3.11))
endif
# sam build needs the very version that the functions run on.
ifndef PYTHON_SAM
PYTHON_SAM := $(shell $(call find_python,3.13))
endif

VENV := .venv
VENV_SAM := .venv-sam
BIN := $(VENV)/bin
# One stamp per interpreter and lock: set up once, and again when either changes. `make run` needs fewer packages.
STAMP_RUN := $(VENV)/run-$(shell (echo "$(PYTHON)"; cat locks/run.txt client/pyproject.toml) | cksum | cut -d' ' -f1)
STAMP := $(VENV)/dev-$(shell (echo "$(PYTHON)"; cat locks/dev.txt client/pyproject.toml) | cksum | cut -d' ' -f1)
STAMP_SAM := $(VENV_SAM)/set-up-$(shell (echo "$(PYTHON_SAM)"; cat locks/sam.txt) | cksum | cut -d' ' -f1)

# The SAM CLI asks for a region even where it needs no AWS.
export AWS_DEFAULT_REGION ?= us-east-1
export SAM_CLI_TELEMETRY := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Compiled code is kept for the next run and for other workers, even if the shell says otherwise.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The locks name every package, so pip resolves nothing. A module is compiled when it is first imported.
install := pip install --quiet --quiet --no-deps --no-compile --require-hashes

.PHONY: setup
setup: $(STAMP) ## The virtualenv, from the locked versions (once)
	@:

$(STAMP_RUN):
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; none was found. Set PYTHON=/path/to/python." >&2; exit 2; }
	@echo "Setting up $(VENV) with $(PYTHON) …"
	@rm -rf $(VENV)
	@"$(PYTHON)" -m venv $(VENV)
	@$(BIN)/python -m $(install) -r locks/run.txt
	@$(BIN)/python -m pip install --quiet --quiet --no-deps --no-compile --no-build-isolation --editable client
	@touch $@

$(STAMP): $(STAMP_RUN)
	@echo "Adding the packages for development …"
	@$(BIN)/python -m $(install) -r locks/dev.txt
	@touch $@

$(STAMP_SAM):
	@test -n "$(PYTHON_SAM)" || { echo "Python 3.13 is needed to build; none was found. Set PYTHON_SAM=/path/to/python3.13." >&2; exit 2; }
	@echo "Setting up $(VENV_SAM) with $(PYTHON_SAM) …"
	@rm -rf $(VENV_SAM)
	@"$(PYTHON_SAM)" -m venv $(VENV_SAM)
	@$(VENV_SAM)/bin/python -m $(install) -r locks/sam.txt
	@touch $@

.PHONY: setup-build
setup-build: $(STAMP_SAM) ## The virtualenv of the build, from the locked versions (once)
	@:

.PHONY: run
run: $(STAMP_RUN) ## Start everything, run a sample job, keep serving (PORT=8080, ONCE=1)
	@exec $(BIN)/python -m local run --port $(PORT) --provider-accounts $(PROVIDER_ACCOUNTS) $(if $(filter-out 0,$(ONCE)),--once) $(if $(filter-out 0,$(YES)),--yes)

.PHONY: up
up: $(STAMP_RUN) ## Start the stack alone, until Ctrl-C (PORT=8080, PROVIDER_ACCOUNTS=1)
	@exec $(BIN)/python -m local up --port $(PORT) --provider-accounts $(PROVIDER_ACCOUNTS)

.PHONY: test
test: setup ## The whole test suite: unit, integration, end to end
	@$(unit_ring) $(with_coverage)
	@# One worker runs a file, or all that share a stack (tests/conftest.py), and a worker has its own stacks. They mostly wait: three workers suit two cores.
	@$(BIN)/python -m pytest -n auto -p no:schemathesis tests/world --ignore tests/world/test_provider_answers.py
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder tests/integration tests/e2e tests/world/test_provider_answers.py

.PHONY: chaos
chaos: setup ## Break a running stack at every call, by seeded mixtures, with junk, with a crowd of 1,000 (long)
	@$(BIN)/python -m pytest -s tests/chaos

.PHONY: test-unit
test-unit: setup ## The unit tests (COVERAGE=1 measures their coverage as make test does)
	@$(unit_ring) $(if $(filter-out 0,$(COVERAGE)),$(with_coverage))

# Schemathesis and anyio load themselves into every run, and have no test here. The first takes a second of each worker.
# pytest's log plugin asks 200 loggers six times a test; tests read logs by the fixtures `logged` and `logged_at_root`.
unit_ring = $(BIN)/python -m pytest -n auto --dist worksteal -p no:schemathesis -p no:anyio -p no:logging tests/unit

# `make test`, and with it CI, holds the coverage of layers/ and functions/ to the floor in pyproject.toml.
with_coverage = --cov --cov-report=term

.PHONY: test-clients
test-clients: setup ## Public clients of the provider against Kiln (installs them; Node.js for one)
	@$(BIN)/python -m pytest tests/clients

.PHONY: check
check: setup check-prose ## Lint, formatting, types, import directions, words, written pages, weaknesses in our own code
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy layers functions local client tests benchmarks
	@PYTHONPATH=layers/kiln:client:. $(BIN)/lint-imports
	@PYTHONPATH=layers/kiln $(BIN)/python -m kiln.documents docs --check
	@PYTHONPATH=layers/kiln:. $(BIN)/python -m benchmarks.modelling.scaling --check
	@# ruff (S) finds the minor weaknesses too. They are accepted there line by line.
	@$(BIN)/bandit --quiet --recursive --severity-level medium layers functions local client
	@# The long rings are imported at least, so that a broken import is found here.
	@collected=$$($(BIN)/python -m pytest --collect-only --quiet tests/build tests/chaos tests/clients) || { echo "$$collected"; exit 1; }

.PHONY: fmt
fmt: setup ## Format the code, and correct what ruff can correct
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

.PHONY: pr
pr: ## Everything that CI runs (long)
	@bash .ci/run

.PHONY: acceptance
acceptance: setup ## Try a deployed stack from every side, and write a report (STACK=my-stack; without it the local one; BUDGET=1)
	@$(BIN)/kiln acceptance $(if $(STACK),--stack "$(STACK)") $(if $(BUDGET),--budget $(BUDGET)) $(ACCEPTANCE_OPTIONS)

# Heavy tools, in a separate folder: the project's locks leave them out. Without Node.js its tools are skipped by name.
SECOND_OPINION := .second-opinion
STAMP_SECOND_NODE := $(SECOND_OPINION)/node-$(shell cksum < tests/second_opinion/package.json | cut -d' ' -f1)
STAMP_SECOND_PYTHON := $(SECOND_OPINION)/python-$(shell cksum < tests/second_opinion/requirements.txt | cut -d' ' -f1)

$(STAMP_SECOND_NODE):
	@rm -rf $(SECOND_OPINION)/node_modules $(SECOND_OPINION)/node-* && mkdir -p $(SECOND_OPINION)
	@if command -v npm >/dev/null; then cp tests/second_opinion/package.json $(SECOND_OPINION) && \
		npm install --prefix $(SECOND_OPINION) --silent --no-audit --no-fund --ignore-scripts; \
	else echo "Node.js is missing: its tools are skipped." >&2; fi
	@touch $@

$(STAMP_SECOND_PYTHON):
	@rm -rf $(SECOND_OPINION)/venv $(SECOND_OPINION)/python-* && mkdir -p $(SECOND_OPINION)
	@"$(PYTHON)" -m venv $(SECOND_OPINION)/venv
	@$(SECOND_OPINION)/venv/bin/python -m pip install --quiet --quiet -r tests/second_opinion/requirements.txt
	@touch $@

.PHONY: second-opinion-tools
second-opinion-tools: $(STAMP_SECOND_NODE) $(STAMP_SECOND_PYTHON) ## Install the tools of make second-opinion
	@:

.PHONY: second-opinion
second-opinion: setup second-opinion-tools ## Let tools of others read the template, the workflows and the documents, and be the database (Node.js)
	@$(BIN)/python -m pytest -p no:schemathesis tests/second_opinion

# What CI runs: no checkov, which is a hundred packages, no dynalite and no TypeScript example, which take a minute. cfn-lint comes with make build.
.PHONY: second-opinion-quick
second-opinion-quick: setup $(STAMP_SECOND_NODE) ## The part of make second-opinion that takes seconds
	@$(BIN)/python -m pytest -p no:schemathesis -k "not dynalite and not checkov and not typescript" tests/second_opinion

.PHONY: check-prose
check-prose: setup ## Words of docs, comments, docstrings, messages and names against docs/prose/words.yml
	@git ls-files --cached --others --exclude-standard '*.md' '*.py' '*.yaml' '*.yml' '*.toml' '*.js' '*.css' '*.html' \
		'*.mjs' '*.cjs' '*.asl.json' Makefile layers/build/Makefile .ci/run ':!docs/prose' ':!docs/glossary.md' | \
		xargs $(BIN)/relint --config docs/prose/words.yml --code-padding 0

.PHONY: audit
audit: setup ## Known weaknesses of the locked packages (needs the package index's advisories: network)
	@# Strict: a package without a result fails the audit.
	@$(BIN)/pip-audit --strict --require-hashes --disable-pip --requirement locks/dev.txt
	@$(BIN)/pip-audit --strict --require-hashes --disable-pip --requirement locks/sam.txt

.PHONY: docs
docs: setup ## Write docs/openapi.json, docs/asyncapi.json and docs/schemas from the models
	@PYTHONPATH=layers/kiln $(BIN)/python -m kiln.documents docs

.PHONY: build
build: $(STAMP_SAM) ## Validate the template, and build the functions and the layer without Docker
	@$(VENV_SAM)/bin/sam validate --lint
	@$(VENV_SAM)/bin/cfn-lint template.yaml monitoring.yaml
	@BUILD_PYTHON="$(PYTHON_SAM)" $(VENV_SAM)/bin/sam build

# The same recipe for the architecture of this machine, so that the output can run here.
.PHONY: build-native
build-native: $(STAMP_SAM) ## The same build for this machine, to be tested and measured here
	@BUILD_PYTHON="$(PYTHON_SAM)" ARCHITECTURE="$(if $(filter arm64 aarch64,$(shell uname -m)),arm64,x86_64)" \
		$(VENV_SAM)/bin/sam build --build-dir .aws-sam/native

.PHONY: test-build
test-build: setup build build-native ## The build tests: run the output alone, deploy it with sam deploy, update it
	@PYTHON_SAM="$(PYTHON_SAM)" $(BIN)/python -m pytest tests/build

.PHONY: check-cold-starts
check-cold-starts: setup $(if $(filter-out 0,$(BUILT)),,build-native) ## Compare the instructions of cold starts with the expected ones (needs valgrind; FUNCTIONS=submit, BUILT=1)
	@PYTHON_SAM="$(PYTHON_SAM)" PYTHONPATH=layers/kiln:. $(BIN)/python -m benchmarks.measuring.cold_start.measure --check $(FUNCTIONS)

.PHONY: check-costs
check-costs: setup ## Compare the instructions of a warm submit with the expected ones (needs valgrind)
	@PYTHON_SAM="$(PYTHON_SAM)" PYTHONPATH=layers/kiln:. $(BIN)/python -m benchmarks.measuring.warm.instructions --check

.PHONY: bench
bench: setup build-native ## Measure the figures of docs/performance.md (on an idle machine)
	@PYTHON_SAM="$(PYTHON_SAM)" PYTHONPATH=layers/kiln:. $(BIN)/python -m benchmarks.measuring

.PHONY: cost
cost: setup ## Write docs/cost.md's tables: recorded calls times list prices (RECORD=1 records again)
	@$(if $(filter-out 0,$(RECORD)),PYTHONPATH=layers/kiln:. $(BIN)/python -m benchmarks.measuring.recording)
	@PYTHONPATH=layers/kiln:. $(BIN)/python -m benchmarks.modelling.cost

.PHONY: scale
scale: setup ## Write docs/scaling.md's tables: limits and simulated waiting (MEASURE=1 runs a crowd again)
	@$(if $(filter-out 0,$(MEASURE)),PYTHONPATH=layers/kiln:. $(BIN)/python -m benchmarks.measuring.tasks.crowd)
	@PYTHONPATH=layers/kiln:. $(BIN)/python -m benchmarks.modelling.scaling

.PHONY: lock
lock: setup ## Resolve the dependencies into locks/ and what the layer and collect ship (UPGRADE=1 for newer ones)
	@$(BIN)/python -m uv --version >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet uv
	@$(call compile,--generate-hashes --group dev,locks/dev.txt)
	@$(call compile,--generate-hashes --group run --constraints locks/dev.txt,locks/run.txt)
	@$(call compile,--generate-hashes --group sam,locks/sam.txt)
	@$(call compile,--generate-hashes --no-annotate --group layer --constraints locks/dev.txt,layers/kiln/requirements.txt)
	@$(call compile,--generate-hashes --no-annotate --group collect --constraints locks/dev.txt,functions/collect/requirements.txt)

compile = $(BIN)/python -m uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --no-header \
	--no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade) $(1) --output-file $(2)

.PHONY: clean
clean: ## Remove the virtual environments, builds and caches
	@rm -rf $(VENV) $(VENV_SAM) .aws-sam .kiln .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
