# Two commands: `make demo` and `make test`. Both make .venv first, with uv where it is installed, else with pip.
PY ?= python3
UV := $(shell command -v uv 2>/dev/null)
# uv ignores pip's settings; hand it the folder (if any) in which pip would find a CPU build of torch.
export UV_FIND_LINKS ?= $(shell $(PY) -m pip config get global.find-links 2>/dev/null || printenv PIP_FIND_LINKS)
BIN := .venv/bin

.PHONY: demo test check format clean

demo: .venv/ok
	$(BIN)/onebody demo

test: check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m "not alone"
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m alone tests/inference tests/cli

check: .venv/ok
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: .venv/ok
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.venv/ok: pyproject.toml
ifneq ($(UV),)
	$(UV) venv -q --clear --python $(PY) .venv
	$(UV) pip install -q --python $(BIN)/python -e '.[all]' --group dev
else
	$(PY) -m venv --clear .venv
	$(BIN)/python -m pip install -q -U 'pip>=25.1'
	$(BIN)/python -m pip install -q -e '.[all]' --group dev
endif
	touch $@

clean:
	rm -rf .venv runs .mypy_cache .ruff_cache .pytest_cache
