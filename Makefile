# What a newcomer types: `make run` (see it work) and `make test` (trust a change).
PYTHON ?= python3.11
VENV   ?= .venv
BIN    := $(VENV)/bin
ROOMS  := conformance loadtests reports reference_server
STAMP  := $(VENV)/.installed

# Tests start hundreds of interpreters; without its compiled modules each takes a second of CPU longer.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: run test lint types unit oracle fuzz hostile chaos soak tokens gateways manifests matrix witnesses examples bench \
	audit system clean

run: $(STAMP)
	$(BIN)/ssegauge run

test: system lint types unit

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# The rooms as installed, below the one import name: a type checker knows no other way to them.
types: $(STAMP)
	@mkdir -p build/types/ssegauge
	@for room in $(ROOMS) $(notdir $(wildcard ssegauge/*.py ssegauge/cli)); do \
	  test -d $$room && from=$$room || from=ssegauge/$$room; ln -sfn ../../../$$from build/types/ssegauge/$$room; done
	$(BIN)/mypy

# Most tests wait for servers, so three processes are no more than two cores bear: beside three others, what takes its
# time is hidden now and then. A file stays in one of them, with what its tests share; tests/conftest.py says which comes
# first.
unit: $(STAMP)
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

# Not part of `make test`: longer proofs and figures.
oracle: system $(STAMP)
	$(BIN)/python -m pytest tests/browser/test_oracle.py -s --oracle-streams=20000 --timeout=1800

# Coverage-guided, one reader after the other, each FUZZ_S seconds; needs `pip install atheris`. The bounded fuzz tests
# are part of `make test`.
FUZZ_S ?= 3600
fuzz: $(STAMP)
	for reader in decoder transcript capture toml json coding redaction http; do \
	  $(BIN)/python -m tests.fuzz $$reader -max_total_time=$(FUZZ_S) || exit 1; done

# Every hostile server against `check` and `load`, and large files against `judge`: docs/robustness.md. Half an hour.
hostile: $(STAMP)
	rm -f build/hostile.jsonl
	$(BIN)/python -m pytest tests/hostile -m hostile --timeout 900

# Gateways of language models that others wrote, with mock answers: installs them (300 MB) beside the project.
gateways: $(STAMP)
	$(PYTHON) -m venv build/gateways
	build/gateways/bin/python -m pip install --quiet 'litellm[proxy]==1.99.4' fakellm==0.3.5 llm-mock-api==0.1.2 \
	  xpyd-sim==0.5.0
	$(BIN)/python -m pytest tests/gateways -m gateways

# What may befall the server, the generator and ssegauge in the midst of a run: docs/robustness.md. A quarter of an hour.
chaos: $(STAMP)
	rm -f build/chaos.jsonl
	$(BIN)/python -m pytest tests/chaos -m chaos --timeout 900

# The reference feed and the generator for SOAK_S seconds at SOAK_STREAMS streams, with churn: does anything grow?
SOAK_S ?= 600
SOAK_STREAMS ?= 500
soak: $(STAMP)
	$(BIN)/python -m tests.soak $(SOAK_S) $(SOAK_STREAMS)

# The manifest in examples/kubernetes against the schemas of Kubernetes: installs them (72 MB) beside the project.
manifests:
	$(PYTHON) -m venv build/manifests
	build/manifests/bin/python -m pip install --quiet kubernetes-validate==1.37.0
	build/manifests/bin/kubernetes-validate --strict examples/kubernetes/*.yaml

# How right the times of tokens are, idle and with all cores burnt, and what a token costs: docs/language-models-load.md.
tokens: $(STAMP)
	$(BIN)/python -m tests.tokens

# Every fault against every rule: docs/detection-matrix.md.
matrix: $(STAMP)
	$(BIN)/python -m pytest tests/test_matrix.py -m matrix
	$(BIN)/python -m tests.matrix > docs/detection-matrix.md

# What the official clients of language models make of every faulty server, docs/language-models.md, and the loads of
# docs/recipes/language-models.md. A minute.
witnesses: $(STAMP)
	$(BIN)/python -m pytest tests/witness -m tables

# Every server of examples/ against the whole check; those of Go and Spring where Go, or a JDK with Maven, is installed.
examples: $(STAMP)
	$(BIN)/python -m pytest tests/examples -m "examples or not examples" --timeout 900

# Kept with machine and commit, and compared with the run before; then our figures as multiples of others'.
BENCH := build/benchmarks
bench: $(STAMP)
	$(BIN)/python -m pytest tests/benchmarks --benchmark-enable --benchmark-only --timeout=1800 \
	  --benchmark-storage=file://$(BENCH) --benchmark-autosave $(if $(wildcard $(BENCH)/*/*.json),--benchmark-compare)
	$(BIN)/python -m tests.benchmarks.ratios $(BENCH)

# Known vulnerabilities of the pinned versions, asked of PyPI: needs the network, and fails where nobody answers.
audit: $(STAMP)
	$(BIN)/python -m pip check
	$(PYTHON) -m venv build/audit
	build/audit/bin/python -m pip install --quiet pip-audit
	build/audit/bin/pip-audit --strict --no-deps --disable-pip --requirement constraints.txt

# The browser and nginx tests need Debian packages: root gets them installed, everybody else is told.
system:
	@sh .ci/system-packages

# Of the modules that are installed most are never imported: each is compiled when it is.
$(STAMP): pyproject.toml setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip --constraint constraints.txt
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable '.[dev]'
	touch $(STAMP)

clean:
	rm -rf $(VENV) build dist runs .mypy_cache .ruff_cache .pytest_cache .hypothesis
