# Every target sets up its environment first: a fresh machine needs make, git and Python 3.11, but no Java and no uv.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c

PYTHON ?= 3.11
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
export PATH := $(CURDIR)/$(BIN):$(PATH)
# A night starts some thirty processes: without cached bytecode, each would compile all of its libraries again.
unexport VIRTUAL_ENV PYTHONPATH PYTHONDONTWRITEBYTECODE

# The default: simulated logs. Every value can be overridden: make nightly LOGS=exports FORMAT=spotify AS_OF=2022-04-01
# AS_OF is the day after the simulated logs, and today where LOGS is given.
LISTENERS ?= 1500
DAYS      ?= 42
SEED      ?= 1
START     ?= 2026-01-01
LOGS      ?= landing
FORMAT    ?= netgain
AS_OF     ?=
JSON      ?=
QUICK     ?=
AUTH      ?=

# Values reach recipes in the environment, as they were given: neither make nor the shell runs what is in them.
VALUES := PYTHON LISTENERS DAYS SEED START LOGS FORMAT AS_OF JSON QUICK AUTH
unexport $(VALUES) MAKEFLAGS
$(foreach name,$(VALUES),$(eval export MAKE_$(name) := $$(value $(name))))
export MAKE_OWN_LOGS := $(filter-out file,$(origin LOGS))

.PHONY: help setup nightly test calibrate faults fuzz bench-accuracy bench-families bench-fold-in bench-ingest bench-mlflow-away bench-night bench-real bench-rollback bench-serve bench-speed docs dvc-yaml faults-serve lint loop screenshots sbom serve ui airflow clean lock

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

setup: $(STAMP) ## Install the environment in .venv

$(STAMP): requirements.lock pyproject.toml
	@uv=$$(command -v uv || true)
	if [ -z "$$uv" ]; then
	    echo "uv is missing: installing it in .netgain/uv"
	    python3 -m venv .netgain/uv
	    .netgain/uv/bin/pip install --quiet uv
	    uv=.netgain/uv/bin/uv
	fi
	[ -x $(BIN)/python ] || "$$uv" venv --quiet --python "$$MAKE_PYTHON" $(VENV)
	"$$uv" pip install --python $(BIN)/python --require-hashes -r requirements.lock
	"$$uv" pip install --quiet --python $(BIN)/python --no-deps --editable .
	touch $(STAMP)

nightly: $(STAMP) ## Run a whole night, on simulated logs unless LOGS= is given
	@if [ "$$MAKE_LOGS" = landing ] && [ ! -d landing ]; then
	    netgain simulate --listeners="$$MAKE_LISTENERS" --days="$$MAKE_DAYS" --seed="$$MAKE_SEED" --start="$$MAKE_START" --out=landing
	fi
	day=$$([ -n "$$MAKE_OWN_LOGS" ] && echo today || echo "$$MAKE_START + $$MAKE_DAYS days")
	as_of=$${MAKE_AS_OF:-$$(date -u -d "$$day" +%F)}
	status=0
	netgain night --as-of="$$as_of" --format="$$MAKE_FORMAT" --logs="$$MAKE_LOGS" $${MAKE_JSON:+--json="$$MAKE_JSON"} || status=$$?
	# INVALID, 3, is a verdict and its lists are served: to make, nothing failed. Schedulers run `netgain night`.
	[ $$status = 3 ] || exit $$status

test: $(STAMP) ## Run all tests, in two processes
	@# Most of a night is one process. Files are shared out whole, long ones first (tests/conftest.py).
	pytest --numprocesses=2 --dist=loadscope --no-loadscope-reorder --durations=40

calibrate: $(STAMP) ## Test the gate on real refits (report in reports/) and on 10,000 invalid inputs
	@netgain calibrate
	NETGAIN_FUZZ=10000 pytest -q tests/gate/test_decision.py -k "invalid_and_still or no_number_is_invalid"

bench-ingest: $(STAMP) ## Measure the cost of one more day after 10, 60 and 180 days, beside a plain Polars script
	@python bench/ingest.py

bench-accuracy: $(STAMP) ## Measure every family on the published Last.fm split, beside the published figures
	@python -m bench.accuracy

bench-families: $(STAMP) ## Measure every family on a simulated night of 20,000 listeners: accuracy, cost, memory, model size
	@python -m bench.families

bench-fold-in: $(STAMP) ## Measure folding new listeners into a model 1, 7 and 14 days old, beside a full fit
	@python bench/fold_in.py

bench-mlflow-away: $(STAMP) ## Measure a night while MLflow is unreachable, beside one with a working server
	@python -m bench.mlflow_away

loop: $(STAMP) ## Close the loop in worlds whose answers are known: what is learned beside what is true
	@python -m bench.loop --circle $${MAKE_QUICK:+--scale 0.1}

bench-night: $(STAMP) ## Measure an incremental night by part, beside a plain script without a gate
	@python -m bench.night

bench-real: $(STAMP) ## Measure every family on the weeks ahead of real exports; LOGS=FOLDER FORMAT=auto for your own
	@if [ -z "$$MAKE_OWN_LOGS" ]; then python -m bench.real; else python -m bench.real --data "$$MAKE_LOGS" --format "$$([ "$$MAKE_FORMAT" = netgain ] && echo auto || echo "$$MAKE_FORMAT")"; fi

bench-rollback: $(STAMP) ## Time `netgain rollback` 100 times, without MLflow and Java
	@python bench/rollback.py

bench-serve: $(STAMP) ## Measure what an answer costs beside a bare ASGI application; needs wrk; LISTENERS=1000000
	@if [ "$$MAKE_LISTENERS" = 1500 ]; then python -m bench.serving; else python -m bench.serving --listeners "$$MAKE_LISTENERS"; fi

bench-speed: $(STAMP) ## Measure lists and fits beside sgemm, implicit, Faiss and Spark, and how they scale; QUICK=1 for a tenth
	@python -m bench.speed $${MAKE_QUICK:+--quick}

fuzz: $(STAMP) ## Read 2,000 landing folders with faults of every kind and format; each row must be accounted for
	@NETGAIN_FUZZ_FOLDERS=2000 pytest -q tests/fuzz

faults: $(STAMP) ## Every fault of docs/reference/operations.md, with some 630 kills; the table into bench/results/faults.json
	@NETGAIN_FAULTS=all pytest -q tests/faults $$(python -m tests.faults.elsewhere)

faults-serve: $(STAMP) ## The server under 2,000 changes and kills, events through 500 kills, fuzzed requests, a whole round
	@NETGAIN_ROLLOVERS=2000 NETGAIN_KILLS=500 NETGAIN_REQUESTS=300 NETGAIN_ROUND=1 pytest -q tests/serving tests/online/test_whole_nights.py

infra-test: $(STAMP) ## Two hosts, object stores under kills, images and charts; each skips with the reason where it cannot run
	@NETGAIN_INFRA=1 pytest -q -rs tests/infra

dvc-yaml: $(STAMP) ## Write dvc.yaml from the declared stages, their imports and the recipes
	@python -m pipeline.dvcfile

lint: $(STAMP) ## Check style, imports, types, dvc.yaml, prose, links and workflows
	@ruff check .
	ruff format --check .
	lint-imports
	mypy
	python -m pipeline.dvcfile --check
	python -m infra.lint.phrases
	python -m infra.lint.links
	zizmor --offline --quiet .github/workflows

docs: $(STAMP) ## The docs site in site/; warnings, broken links and failing doctests are errors
	@sphinx-build --fail-on-warning --keep-going --quiet -b html -d .netgain/docs-doctrees docs site
	python -m infra.site.check_site site
	pytest -q tests/test_doctests.py
	echo "site/index.html"

screenshots: $(STAMP) ## Make the pictures of the documentation from the last night; needs Chromium
	@python -m infra.screenshots

sbom: $(STAMP) ## The software bill of materials (CycloneDX) and a NOTICE of all licences, in sbom/
	@mkdir -p sbom
	cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --of JSON -o sbom/sbom.cdx.json $(BIN)/python
	python -m infra.licences.notice sbom/sbom.cdx.json sbom/NOTICE.md
	echo "sbom/sbom.cdx.json, sbom/NOTICE.md"

serve: $(STAMP) ## Serve the lists on loopback, with a page for people; PORT=8080
	@netgain serve --port "$${PORT:-8080}" --quiet

ui: $(STAMP) ## Start the MLflow UI on loopback, without a login; AUTH=1 asks for one
	@umask 077
	if [ -n "$$MAKE_AUTH" ]; then infra/mlflow/with_login.sh; exit; fi
	echo "MLflow has no login here: every account of this machine can read and change its runs. make ui AUTH=1 asks for one."
	echo "Nights, with gain, cost and verdict:"
	echo "  http://127.0.0.1:$${PORT:-5000}/#/experiments/1/runs?workflowType=machine_learning&viewStateShareKey=netgain"
	# In the environment: an argument, with the password in it, could be read by every account of the machine.
	export MLFLOW_BACKEND_STORE_URI="$${NETGAIN_MLFLOW_URI:-sqlite:///mlflow/mlflow.db}"
	MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false mlflow ui --host 127.0.0.1 --port "$${PORT:-5000}"

airflow: $(STAMP) ## Start Airflow on loopback with the nightly DAG; PORT=8080
	@infra/airflow/standalone.sh

lock: ## Resolve the dependencies again, with hashes and without index URLs
	@uv pip compile --quiet --universal --python-version $(PYTHON) --generate-hashes --no-header --no-annotate \
	    --extra postgres --extra dev --extra docs pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version $(PYTHON) --generate-hashes --no-header --no-annotate \
	    --extra postgres --constraint requirements.lock pyproject.toml -o infra/images/requirements.lock

clean: ## Remove the outputs of nights and tests; keep the environment and landed logs
	@rm -rf data night mlflow reports releases ledger .airflow dvc.lock .dvc/cache .dvc/tmp .netgain/*.json .netgain/*.log
