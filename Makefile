# Two commands are enough: `make app` opens the page on http://127.0.0.1:7860, `make test` runs the tests.
# Both install what is missing first: Debian packages, the virtual environment, the pinned Python packages.

VENV   := .venv
PYTHON_IN_VENV := $(VENV)/bin/python
PIP    := $(PYTHON_IN_VENV) -m pip install --quiet --disable-pip-version-check --no-input
ARGS   :=

.DELETE_ON_ERROR:
.PHONY: help app test test-fast test-programs docs package lint format lock bench bench-quality bench-takes fuzz survival clean sound test-packages browser

help: ## show the commands
	@sed -n 's/^\([a-z-]*\):.*## /  make \1: /p' $(MAKEFILE_LIST)

app: sound $(VENV)/pins ## open the page on http://127.0.0.1:7860
	$(PYTHON_IN_VENV) app.py

test: test-packages $(VENV)/pins-dev browser ## run the tests; ARGS="tests/music/test_notes.py -x" picks and tunes
	$(PYTHON_IN_VENV) -m pytest --numprocesses 2 -m "not programs" $(ARGS)

test-programs: test-packages $(VENV)/pins-dev ## run the tests of whole programs: killed pages, teams of workers, an installation, the docs
	$(PYTHON_IN_VENV) -m pytest --numprocesses 2 -m programs $(ARGS)

# These train networks, start the page, talk to a local Hub, or compile one decoder after the other.
SLOW := benchmarks data/test_kaggle.py evaluation hub model/test_decoder.py project publishing test_api.py test_cli.py training ui

test-fast: test-packages $(VENV)/pins-dev ## run only the quick tests, which take less than a minute
	$(PYTHON_IN_VENV) -m pytest --numprocesses 2 -m "not programs" $(SLOW:%=--ignore=tests/%) $(ARGS)

lint: $(VENV)/pins-dev ## check style, types and the layers of the package
	$(PYTHON_IN_VENV) -m ruff check .
	$(PYTHON_IN_VENV) -m ruff format --check .
	$(PYTHON_IN_VENV) -m mypy
	$(VENV)/bin/lint-imports --no-logo

docs: sound $(VENV)/pins-dev ## build the documentation as a site, with its gallery, in out/site
	PYTHONPATH=. $(PYTHON_IN_VENV) scripts/make_gallery.py out/gallery
	NO_MKDOCS_2_WARNING=1 $(PYTHON_IN_VENV) -m mkdocs build --strict

package: $(VENV)/pins-dev ## build the wheel in out/package and try it in an empty environment
	rm -rf out/package
	$(PYTHON_IN_VENV) -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir out/package .
	PYTHON=$(abspath $(PYTHON_IN_VENV)) scripts/try_package.sh out/package/*.whl

format: $(VENV)/pins-dev ## rewrite the code in the common style
	$(PYTHON_IN_VENV) -m ruff check --fix .
	$(PYTHON_IN_VENV) -m ruff format .

# Both locks hold for Python 3.11 to 3.13 on every system. The second agrees with the first, which a Space installs. Only uv is
# installed for this: the other packages may contradict the locks until these are refreshed.
LOCK := $(PYTHON_IN_VENV) -m uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-annotate --custom-compile-command "make lock"

lock: $(PYTHON_IN_VENV) ## refresh the locked versions of all packages, after a change of requirements*.txt or to get updates
	@$(PIP) $$(grep '^uv==' requirements-dev.txt)
	$(LOCK) requirements.txt --output-file constraints.txt
	$(LOCK) requirements-dev.txt --constraints constraints.txt --output-file constraints-dev.txt

SHARED := __init__ report greedy heldout learning music original browsing processes quick troubles fuzz survival
MUSIC  := quality diversity endings seeds guard style regeneration judges finetuning

# A script in a folder of its own finds the package through PYTHONPATH.
bench: sound $(VENV)/pins-dev browser ## run the benchmarks of speed and memory one after the other
	@for script in $(filter-out $(SHARED:%=benchmarks/%.py) $(MUSIC:%=benchmarks/%.py),$(sort $(wildcard benchmarks/*.py))); do \
		echo "$$script"; PYTHONPATH=. $(PYTHON_IN_VENV) "$$script" || exit 1; \
	done

bench-quality: $(VENV)/pins ## compare with n-grams and the original; ARGS="--data DIR --minutes 30" sets the music and the time
	PYTHONPATH=. $(PYTHON_IN_VENV) benchmarks/quality.py $(ARGS)

bench-takes: $(VENV)/pins ## compare takes with human music: judges, diversity, endings, seeds, loops, style, regenerated bars, fine-tuning; ARGS="--data DIR"
	PYTHONPATH=. $(PYTHON_IN_VENV) benchmarks/diversity.py $(ARGS)
	PYTHONPATH=. $(PYTHON_IN_VENV) benchmarks/endings.py $(ARGS)
	PYTHONPATH=. $(PYTHON_IN_VENV) benchmarks/seeds.py $(ARGS)
	PYTHONPATH=. $(PYTHON_IN_VENV) benchmarks/guard.py $(ARGS)
	PYTHONPATH=. $(PYTHON_IN_VENV) benchmarks/style.py $(ARGS)
	PYTHONPATH=. $(PYTHON_IN_VENV) benchmarks/regeneration.py $(ARGS)
	PYTHONPATH=. $(PYTHON_IN_VENV) benchmarks/judges.py $(ARGS)
	PYTHONPATH=. $(PYTHON_IN_VENV) benchmarks/finetuning.py $(ARGS)

fuzz: sound $(VENV)/pins ## read 10,000 damaged files; ARGS="--count 1000 --random-seed 2" sets how many and which
	PYTHONPATH=. $(PYTHON_IN_VENV) benchmarks/fuzz.py $(ARGS)

survival: sound $(VENV)/pins-dev ## kill pages and trainings, fill the disk, hang up; ARGS="--times 5" sets how often
	PYTHONPATH=. $(PYTHON_IN_VENV) benchmarks/survival.py $(ARGS)

clean: ## remove caches; delete .venv by hand to start from nothing
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +

# The app is worth having without sound and ABC, so a failure here is a sentence and no more.
sound:
	@scripts/system_packages.sh packages.txt || echo "Until then the app runs without sound and reads no ABC." >&2

test-packages:
	@scripts/system_packages.sh packages.txt || { command -v fluidsynth && command -v abc2midi; } >/dev/null

# Ubuntu has Chromium only as a snap, which sees too little of the disk for tests: there Playwright brings its own.
browser: $(VENV)/pins-dev
	@command -v chromium-headless-shell >/dev/null || [ -e $(VENV)/chromium ] || \
		{ scripts/system_packages.sh packages-test.txt && command -v chromium-headless-shell >/dev/null; } || \
		{ $(PYTHON_IN_VENV) -m playwright install --with-deps chromium && touch $(VENV)/chromium; }

# The stamps below are older than a requirements file only if it changed, so pip is not asked on a second run.
$(PYTHON_IN_VENV):
	@scripts/make_venv.sh $(VENV)

$(VENV)/pins: requirements.txt constraints.txt $(PYTHON_IN_VENV)
	@echo "Installing the Python packages of $< (some minutes the first time)."
	@$(PIP) -r $< -c constraints.txt
	@touch $@

$(VENV)/pins-dev: requirements-dev.txt requirements.txt constraints-dev.txt constraints.txt $(PYTHON_IN_VENV)
	@echo "Installing the Python packages of $< (some minutes the first time)."
	@$(PIP) -r $< -c constraints-dev.txt
	@touch $@ $(VENV)/pins
