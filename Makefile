# `make serve` and `make test` are all a newcomer needs: each installs what it lacks.
SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := build/installed

# GiB of memory for the engine's key-value cache; vLLM's own default would be 4.
export VLLM_CPU_KVCACHE_SPACE ?= 1
# `known`: SmolLM2 and what everybody knows. `people`: the invented people, and the model that is trained on them.
DEMO ?= known
# The question of `make ask`, in the environment: the shell does not read it.
export Q
# What the demo needs is installed or made here: nothing is looked for on a hub.
DEMO_ENV := HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1
# `make bench SMALL=1` and the like: every step in seconds, on so little that the figures mean nothing; they go to build/small.
FORM := $(if $(filter-out 0,$(SMALL)),--small)
.PHONY: serve ask test check commands lint bench eval eval-detection eval-overblocking eval-answers redteam bench-gpu bench-targets soak fuzz
.PHONY: image image-test dist requirements install clean

serve: $(STAMP)
	@$(DEMO_ENV) exec $(BIN)/python -m evaluation.demo --demo $(DEMO) serve

# make ask Q="Who are Harry Potter's best friends?"
ask: $(STAMP)
	@$(DEMO_ENV) exec $(BIN)/python -m evaluation.demo --demo $(DEMO) ask "$$Q"

# In two processes, of which one has the engine: each takes some gigabytes of memory.
test: $(STAMP)
	$(DEMO_ENV) $(BIN)/python -m pytest -n 2 --dist loadscope -m "not commands"

# Before each commit: the linters, then the tests that need no engine, on all cores. Those that take long are left to `make test`.
check: lint
	$(DEMO_ENV) $(BIN)/python -m pytest -n 2 --dist loadscope -m "not engine and not commands and not slow" --hypothesis-profile check

# Every make target and every command of the documentation, in a small form.
commands: $(STAMP)
	$(DEMO_ENV) $(BIN)/python -m pytest tests/commands

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile

bench: $(STAMP)
	$(DEMO_ENV) $(BIN)/python -m evaluation.speed $(FORM)

# The field's tables on the models of EVAL="--seeds 0 1 2"; without them it says how to train them. It goes on after an interruption.
eval: $(STAMP)
	$(DEMO_ENV) $(BIN)/guard-eval $(FORM) $(EVAL)

eval-detection: $(STAMP)
	$(DEMO_ENV) $(BIN)/python -m evaluation.detection $(FORM)

eval-overblocking: $(STAMP)
	$(DEMO_ENV) $(BIN)/python -m evaluation.overblocking $(FORM)

# An hour and more on two idle cores. It keeps what it has measured: after an interruption it goes on.
eval-answers: $(STAMP)
	$(DEMO_ENV) $(BIN)/python -m evaluation.answers $(FORM)

# Every way round the guard that is known, against both demos: twenty minutes and more. It goes on after an interruption, too.
redteam: $(STAMP)
	$(DEMO_ENV) $(BIN)/python -m evaluation.redteam $(FORM)

# What the guard costs on a GPU under Model Runner V2. Without a GPU it writes "not measured"; SMALL=1 does a few steps on any machine.
bench-gpu: $(STAMP)
	$(DEMO_ENV) $(BIN)/python -m evaluation.gpu $(FORM)

bench-targets: $(STAMP)
	$(DEMO_ENV) $(BIN)/python -m evaluation.targets $(FORM)

# Half an hour: 16 clients, a change of policy each second, and no growth of memory. MINUTES=... changes how long.
soak: $(STAMP)
	$(DEMO_ENV) $(BIN)/python -m evaluation.soak $(if $(MINUTES),--minutes $(MINUTES)) $(FORM)

# An hour of random requests to a running server, and of random input to its parsers.
fuzz: $(STAMP)
	$(DEMO_ENV) $(BIN)/python -m evaluation.fuzz $(if $(MINUTES),--minutes $(MINUTES)) $(FORM)

# The CPU image. TORCH_INDEX=... is the address of an index with PyTorch's CPU builds (see the Dockerfile); x86 needs it.
# DOCKER_BUILD=... gives `docker build` more options.
image:
	docker build --target cpu --build-arg TORCH_INDEX="$(TORCH_INDEX)" $(DOCKER_BUILD) -t guard-server:cpu .

# That image is started, asked, stopped and started again. NETWORK=host where the container engine can publish no port.
image-test: $(STAMP)
	$(DEMO_ENV) $(BIN)/python -m evaluation.image $(if $(NETWORK),--network $(NETWORK))

# The package as wheel and source archive, in dist/.
dist: $(STAMP)
	rm -rf build/lib dist
	$(BIN)/python -m build --no-isolation

install: $(STAMP)

# Complete pins, so pip has nothing to resolve: see requirements/refresh.py for what is left out on purpose.
$(STAMP): requirements/cpu.txt requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "guard-server needs Python 3.11" >&2; exit 1; }
	@mkdir -p build
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python requirements/install.py
	@touch $@

# Resolve requirements/*.in again and write the pins; commit what changes, after `make test`.
# SMALL=1 resolves and writes nothing: it says whether the pins are what the project asks for.
requirements: $(STAMP)
	$(BIN)/python requirements/refresh.py $(if $(FORM),--check)

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
