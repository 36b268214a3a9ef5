# make demo: set up and run the main job. make test: set up and run all tests.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
ROOMS := core personas agents graphs simulator evaluation cli

.PHONY: demo test test-slow test-gpu lint types format bench clean

$(VENV)/.ready: pyproject.toml constraints.txt
	test -x $(BIN)/python || $$(command -v $(PYTHON) || command -v python3) -m venv $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[dev]"
	touch $@

demo: $(VENV)/.ready
	$(BIN)/attune simulate

test: $(VENV)/.ready
	$(BIN)/python -m pytest -n 2

test-slow: $(VENV)/.ready
	$(BIN)/python -m pytest -n 2 -m slow

test-gpu: $(VENV)/.ready
	$(BIN)/python -m pytest -m gpu

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# The type checker needs a folder named attunement; the link makes the checkout look like one.
types: $(VENV)/.ready
	mkdir -p build/types
	ln -sfn ../.. build/types/attunement
	MYPYPATH=build/types $(BIN)/mypy $(ROOMS:%=-p attunement.%)

format: $(VENV)/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.ready
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache
