# Two commands do everything: `make run` and `make test`. What each step does: tools/.

VENV := .venv
SDK_VENV := .venv-sdk
BIN := $(VENV)/bin
PROOF_REPORT := docs/proofs/summary.md
FIXED_SEED := 20240229

.PHONY: run test prove lint cmake-lists clean setup-run setup-test
.DEFAULT_GOAL := run

run: setup-run
	$(BIN)/medlabel demo --serve

# Everything once with a new seed, which pytest prints (MEDLABEL_SEED replays it), and the proofs once more
# with a seed that never changes.
test: setup-test
	$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest
	MEDLABEL_SEED=$(FIXED_SEED) $(BIN)/python -m pytest -m prove

prove: setup-test
	MEDLABEL_PROOFS=full $(BIN)/python -m pytest -m prove --proof-report=$(PROOF_REPORT)

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

setup-run:
	@tools/system_packages.sh run
	@$(MAKE) --no-print-directory $(VENV)/.run-ready

# The two environments are made side by side: the second is a large download.
setup-test:
	@tools/system_packages.sh test
	@$(MAKE) --no-print-directory -j2 $(VENV)/.test-ready $(SDK_VENV)/.ready
	@tools/browser_for_tests.sh $(VENV)

$(VENV)/.run-ready: pyproject.toml tools/environment.sh
	tools/environment.sh $(VENV) -e .
	@touch $@

$(VENV)/.test-ready: pyproject.toml tools/environment.sh
	tools/environment.sh $(VENV) -e ".[test]"
	@touch $(VENV)/.run-ready $@

$(SDK_VENV)/.ready: tools/supervisely-sdk.txt tools/environment.sh
	tools/environment.sh $(SDK_VENV) -r tools/supervisely-sdk.txt
	@touch $@

# Rewrites the lists of Python files in the modules' CMakeLists.txt.
cmake-lists:
	$(BIN)/python tools/list_module_files.py

clean:
	rm -rf $(VENV) $(SDK_VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
