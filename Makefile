# Two commands are all a fresh machine needs: `make site` and `make test`.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Material prints an advertisement for its successor at each start; README says where we stand.
export NO_MKDOCS_2_WARNING := 1

.PHONY: site offline properdocs zensical serve test check lint types clean

site: $(VENV)/site.stamp  ## run the articles that have to, build site/
	$(BIN)/mkdocs build --strict

offline: $(VENV)/site.stamp  ## build site-offline/, to be opened from the folder
	$(BIN)/mkdocs build --strict -f mkdocs.offline.yml

properdocs: $(VENV)/dev.stamp  ## the same site by the fork that is maintained
	$(BIN)/properdocs build --strict -f mkdocs.yml

zensical: $(VENV)/dev.stamp  ## the same site by Material's successor, as far as it goes
	$(BIN)/python -m site_plugins run
	rm -f .cache/[0-9]*  # pages that Zensical keeps, without knowing of outputs
	$(BIN)/zensical build --strict
	$(BIN)/python -m site_plugins index

serve: $(VENV)/site.stamp  ## the author's loop: http://127.0.0.1:8000
	REFERENCE=false $(BIN)/mkdocs serve

test: $(VENV)/dev.stamp  ## every test, a process for each core
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

check: lint  ## what CI runs; the tests use what the build has run
	$(MAKE) --jobs 2 --output-sync types site
	$(MAKE) test

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m site_plugins lint

types: $(VENV)/dev.stamp
	$(BIN)/mypy

clean:  ## remove everything that can be made again, the environment too
	rm -rf site site-offline .site-* .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info $(VENV)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Trellis needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/site.stamp: requirements.txt pyproject.toml | $(BIN)/python
	$(INSTALL) -r requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt requirements-cluster.txt $(VENV)/site.stamp
	$(INSTALL) -r requirements-dev.txt
	@touch $@
