# Every target does its own set-up: a virtual environment in .venv, the packages, the build.
VENV ?= .venv
PIP = $(VENV)/bin/python -m pip --disable-pip-version-check
export VENV

# What `make develop` installed in place stays as it is: beside it, the targets that install a copy have an environment of
# their own.
COPY := $(if $(wildcard $(VENV)/in-place),.venv-copy,$(VENV))
demo test lint wheel docs test-docs soak sanitize fuzz uvloop coverage: override export VENV = $(COPY)

# The oldest of LiveKit's own package that there is for Python 3.11.
SDK ?= 1.0.0

# The version of livekit-agents that tests/agents is written for.
AGENTS ?= 1.8.9

.PHONY: help demo test test-sdk test-agents test-docs develop bench instructions lint wheel docs soak sanitize fuzz coverage uvloop bare clean

help:
	@echo "make demo      mix the recordings in examples/recordings into demo/mixed.wav, with a picture"
	@echo "make test      build the wheel, install it, run all tests against it"
	@echo "make test-sdk  the tests beside LiveKit's own package with an old version of it; SDK=... names another"
	@echo "make test-agents  the tests beneath livekit-agents; AGENTS=... names another version"
	@echo "make develop   install in place, for working on the code; the same command compiles what has changed"
	@echo "make bench     compare with numpy, LiveKit's SDK, soxr and samplerate; ARGS=... goes to the benchmarks"
	@echo "make lint      ruff, mypy, pyright, spelling, imports between the rooms, fragments of the changelog"
	@echo "make wheel     a wheel for any Linux of this machine's kind, in dist, tried in a clean environment"
	@echo "make docs      the documentation as a site, in build/docs/html"
	@echo "make test-docs  make docs, and look at its pages in a browser"
	@echo "make instructions  count what the hot paths execute, with valgrind; ARGS=--update allows it"
	@echo "make soak      make test with many more random cases, and an hour of speech"
	@echo "make sanitize  the C kernels and the tests of the compiled modules under the sanitizers"
	@echo "make fuzz      random input to what reads foreign bytes, FUZZ_SECONDS=30 for each target; ARGS=... names targets"
	@echo "make coverage  which lines of Python and C the tests run; ARGS=... goes to pytest"
	@echo "make uvloop    the tests that use a real event loop on uvloop; ARGS=... goes to pytest"
	@echo "make bare      make demo and make test on bare systems, as root; ARGS=... names systems: bookworm trixie sid noble"
	@echo "make clean     remove everything that was built"

demo:
	@tools/prepare.sh
	@echo "==> installing livekit_utils with its command line"
	@$(PIP) install --quiet ".[cli]"
	@mkdir -p demo
	$(VENV)/bin/livekit-utils mix $(wildcard examples/recordings/*.wav examples/recordings/*.flac examples/recordings/*.ogg) --rate 48000 \
		-o demo/mixed.wav --plot demo/mixed.png --force
	@echo "==> listen to demo/mixed.wav, look at demo/mixed.png; the command is $(VENV)/bin/livekit-utils"

# Microphones and speakers are tested on a sound server, with virtual devices; what hears voices, with a synthesiser's.
test:
	@tools/prepare.sh devices speech instructions
	@tools/run_tests.sh

test-sdk: export VENV = .venv-livekit-$(SDK)
test-sdk: export LIVEKIT = $(SDK)
test-sdk:
	@tools/prepare.sh
	@tools/run_tests.sh tests/sdk

test-agents: export VENV = .venv-agents-$(AGENTS)
test-agents: export LIVEKIT_AGENTS = $(AGENTS)
test-agents:
	@tools/prepare.sh
	@tools/run_tests.sh tests/agents

develop:
	@tools/prepare.sh devices
	@tools/develop.sh

bench:
	@tools/prepare.sh
	@$(PIP) install --quiet --editable ".[bench]"
	$(VENV)/bin/python -m benchmarks $(ARGS)

instructions: develop
	@tools/prepare.sh instructions
	$(VENV)/bin/python -m tests.instructions $(ARGS)

lint:
	@tools/prepare.sh
	@$(PIP) install --quiet ".[bench,cli,lint,test]"
	$(VENV)/bin/python -m ruff check .
	$(VENV)/bin/python -m ruff format --check .
	$(VENV)/bin/lint-imports --no-cache --no-logo
	$(VENV)/bin/python -m codespell_lib
	@$(VENV)/bin/towncrier build --draft --version next >/dev/null 2>&1 || $(VENV)/bin/towncrier build --draft --version next
	$(VENV)/bin/python tools/face.py --check
	$(VENV)/bin/python -m mypy
	$(VENV)/bin/python -m pyright --pythonpath $(VENV)/bin/python

wheel:
	@tools/prepare.sh
	@tools/make_wheel.sh

# The tutorial's steps run with the package that is installed.
docs:
	@tools/prepare.sh
	@$(PIP) install --quiet ".[docs]"
	$(VENV)/bin/python tools/draw_paths.py
	$(VENV)/bin/python -m tools.docs_site
	$(VENV)/bin/python -m sphinx -b html -q -W --keep-going build/docs/source build/docs/html
	@echo "==> look at build/docs/html/index.html"

# In a browser where there is a Chromium; LIVEKIT_UTILS_BROWSER names one.
test-docs: docs
	@$(PIP) install --quiet ".[test]"
	LIVEKIT_UTILS_SITE=build/docs/html $(VENV)/bin/pytest -q tests/site

soak:
	@tools/prepare.sh devices speech
	@LIVEKIT_UTILS_HYPOTHESIS=thorough tools/run_tests.sh

sanitize:
	@tools/prepare.sh
	@tools/run_sanitizers.sh

fuzz:
	@tools/prepare.sh
	@$(PIP) install --quiet ".[cli]"
	@tools/run_fuzz.sh $(ARGS)

# Those in virtual time have a loop of their own.
uvloop:
	@tools/prepare.sh devices
	@$(PIP) install --quiet uvloop
	@LIVEKIT_UTILS_LOOP=uvloop tools/run_tests.sh $(or $(ARGS),$(shell grep -rlE 'asyncio\.run\b|new_event_loop' tests --include='test_*.py' --exclude-dir=agents))

coverage:
	@tools/prepare.sh devices
	@tools/run_coverage.sh $(ARGS)

# In systems of their own below build/bare; not part of CI.
bare:
	@tools/bare_systems.sh $(ARGS)

clean:
	rm -rf build dist demo *.egg-info .venv .venv-* .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -rf .import_linter_cache .coverage .coverage.* htmlcov
	find livekit_utils -name '*.so' -delete
