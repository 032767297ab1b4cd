# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

PYTHON ?= python3
NOX := .venv/bin/nox
# Nothing is written to the user's HOME; noxfile.py has the same folder as HOME.
export PIP_CACHE_DIR ?= $(CURDIR)/.nox/home/.cache/pip

.PHONY: help demo test test-all quick docs benchmark fuzz mutation release clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1: /p' Makefile

demo: $(NOX) ## Run the demo against the sandbox
	$(NOX) -s demo

test: $(NOX) ## Run every test and check, with the oldest and the newest ansible-core
	$(NOX) --parallel auto

test-all: $(NOX) ## Run every test and check, with every ansible-core
	CLOUDAGENT_ALL_CORES=1 $(NOX) --parallel auto

quick: $(NOX) ## Run lint and unit tests, for daily work
	$(NOX) -s ruff lint
	$(NOX) -s pytest -- tests/unit

docs: $(NOX) ## Build the documentation site, test it in a browser, and say where it is
	$(NOX) -s docs

benchmark: $(NOX) ## Measure the collection, for about 20 minutes, and draw the chart of its documentation
	$(NOX) -s benchmark

fuzz: $(NOX) ## Look for results that are not true, for ten minutes
	$(NOX) -s fuzz

mutation: $(NOX) ## Look for changes of the code that no unit test notices
	$(NOX) -s mutation

release: $(NOX) ## Write a version and its changelog, build the tarball and try it: make release VERSION=1.0.0
	$(NOX) -s release -- $(VERSION)

clean: ## Remove everything that these targets made
	rm -rf .venv .nox dist .ansible .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache tests/output
	find . -name __pycache__ -prune -exec rm -rf {} +

$(NOX): requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $(NOX)
