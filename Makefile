# make demo: set up and run the main job. make test: set up and run all tests.
PYTHON ?= python3.11
VENV := .venv
VLLM := .venv-vllm
LANGGRAPH := .venv-langgraph
BIN := $(VENV)/bin
ROOMS := core personas agents graphs simulator evaluation trainers viewer cli

.PHONY: demo test browser web pictures test-slow test-gpu test-vllm test-langgraph lint types format bench clean

MAKE_VENV = $$(command -v $(PYTHON) || command -v python3) -m venv

# The demo needs neither torch nor the tools of development.
$(VENV)/.light: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(MAKE_VENV) $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[openai,view]"
	touch $@

$(VENV)/.ready: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(MAKE_VENV) $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[dev]"
	touch $@ $(VENV)/.light

# vLLM holds torch and transformers at its own versions. The three packages that are taken out fail
# to load beside a torch for processors alone, and vLLM imports them where it finds them.
$(VLLM)/.ready: pyproject.toml tests/vllm-requirements.txt
	test -x $(VLLM)/bin/python || $(MAKE_VENV) $(VLLM)
	$(VLLM)/bin/python -m pip install -q -r tests/vllm-requirements.txt -e ".[dev]"
	$(VLLM)/bin/python -m pip uninstall -q -y torchvision torchaudio torchcodec
	touch $@

$(LANGGRAPH)/.ready: pyproject.toml tests/langgraph-requirements.txt
	test -x $(LANGGRAPH)/bin/python || $(MAKE_VENV) $(LANGGRAPH)
	$(LANGGRAPH)/bin/python -m pip install -q -r tests/langgraph-requirements.txt -e .
	touch $@

demo: $(VENV)/.light
	$(BIN)/attune simulate

test: $(VENV)/.ready browser
	$(BIN)/python -m pytest -n 2

# A Chromium for the tests of pages: one that is there, else playwright's, else Debian's. Without
# one those tests are skipped, or fail where CI is set.
browser: $(VENV)/.ready
	@$(BIN)/python -m tests.browser || { \
	  $(BIN)/playwright install chromium && $(BIN)/python -m tests.browser; } || { \
	  test "$$(id -u)" = 0 && apt-get update -q && \
	  apt-get install -q -y --no-install-recommends chromium; } || \
	  echo "Going on without a browser: the tests of pages cannot run"

# The debugger's pages, built with Node from viewer/web into viewer/debugger/built, which is kept in
# the repository: whoever uses the package needs no Node.
web: $(VENV)/.ready
	$(BIN)/python -m attunement.viewer.debugger.schema > viewer/web/src/records.schema.json
	cd viewer/web && npm ci && npm run records && npm run build

# The debugger's pages as docs/ shows them, taken by their tests.
pictures: $(VENV)/.ready browser
	ATTUNEMENT_PICTURES=docs/pictures $(BIN)/python -m pytest tests/test_viewer_pictures.py

test-slow: $(VENV)/.ready
	$(BIN)/python -m pytest -n 2 -m slow

test-gpu: $(VENV)/.ready
	$(BIN)/python -m pytest -m gpu

# LangGraph's own development server on langgraph.json; its licence and its pins are none of ours.
test-langgraph: $(LANGGRAPH)/.ready
	$(LANGGRAPH)/bin/python -m pytest -m langgraph tests/test_graphs_langgraph_dev.py

test-vllm: $(VLLM)/.ready
	$(VLLM)/bin/python -m pytest -m vllm tests/test_agents_models_vllm.py
	$(VLLM)/bin/python -m pytest -m vllm tests/test_agents_models_conformance.py

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
	rm -rf $(VENV) $(VLLM) $(LANGGRAPH) build *.egg-info .pytest_cache .mypy_cache .ruff_cache
