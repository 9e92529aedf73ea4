# Two commands do it all on a fresh machine: `make demo` and `make test`.
VENV   := .venv
PYTHON ?= python3
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# each worker has a PostgreSQL and a Kafka of its own, and one more than there are cores, for they often wait; the
# folders with the longest files come first
SHARED_OUT := --numprocesses $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1) --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.PHONY: help demo demo-kafka test faults check format schemas bench kafka clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(READY)  ## a company's year in a minute
	$(BIN)/relato demo

demo-kafka: $(READY) kafka  ## the same through a real Apache Kafka
	$(BIN)/relato demo --kafka

kafka: $(READY)  ## resolves Apache Kafka's jars with Maven, once
	$(BIN)/python -m deploy.kafka.resolve

test: $(READY)  ## unit, integration and acceptance tests; those of Kafka where Java 17 and Maven are
	$(BIN)/python -m pytest $(SHARED_OUT) tests/acceptance tests/integration tests/unit

faults: $(READY)  ## kill, cut, restart, attack: nothing is lost, and nothing opens that should not
	$(BIN)/python -m pytest tests/faults tests/attacks

check: $(READY)  ## style, types, structure, published schemas
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m deploy.schemas check

schemas: $(READY)  ## writes docs/schemas, unless a published fact would break
	$(BIN)/python -m deploy.schemas write

format: $(READY)  ## rewrites the code in the house's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)  ## measures the figures of docs/performance.md beside their peers
	$(BIN)/python -m benchmarks.run

clean:  ## removes what the commands above made
	rm -rf $(VENV) .relato build *.egg-info deploy/kafka/jars
