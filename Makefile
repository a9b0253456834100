# Two commands do everything on a fresh machine with Python >= 3.10: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: setup system-libraries demo test lint format bench left-atrium cardiac-cine cmake-lists icons clean

setup: $(STAMP)

# What Qt and the views of the Slicer module's tests lean on, and a bare Debian lacks. Who may not install them goes without:
# those tests are skipped then, and say what to install.
SYSTEM_LIBRARIES := libegl1 libgl1 libglib2.0-0 libxkbcommon0 libfontconfig1 libdbus-1-3

system-libraries:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! dpkg -s $(SYSTEM_LIBRARIES) >/dev/null 2>&1; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends $(SYSTEM_LIBRARIES) \
			|| echo "Not installed: $(SYSTEM_LIBRARIES). Tests that need them are skipped."; fi

$(STAMP): constraints.txt train/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 10) else "Python 3.10 or newer is needed: run make PYTHON=/path/to/python3.x")'
	@$(MAKE) --no-print-directory system-libraries
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable "train[report,test,slicer-test]"
	@touch $@

# One thread a process: two test processes with two threads each would wait for one another on two cores.
test: setup lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# After a file of the extension came or went: the lists that its package is made from.
cmake-lists: setup
	$(BIN)/python Testing/tools/cmake_lists.py

icons: setup
	$(BIN)/python Docs/tools/draw_icons.py

demo: setup
	$(BIN)/dualssl demo --output demo

# With MODEL, DATASET and CASES also the Dice against the published way of predicting.
bench: setup
	$(BIN)/dualssl benchmark --output benchmarks/prediction_and_training.json \
		$(if $(MODEL),--model $(MODEL) --dataset $(DATASET) --cases $(CASES))

# The trainings on real volumes that benchmarks/README.md reports; each goes on where it was stopped.
DATA ?= ../shared/data
RUNS ?= runs
RESUME = $(if $(wildcard $(1)/run.json),--resume)

left-atrium: setup
	$(BIN)/dualssl train $(DATA)/la2018 --labelled $(DATA)/la2018/labelled_8.txt --unlabelled $(DATA)/la2018/train.txt \
		--validation $(DATA)/la2018/validation.txt --preset strong --iterations 6000 --validate-every 600 \
		--spacing 1.25,1.25,1.25 --patch 48,64,64 --width 8 --name "Left atrium" \
		--output $(RUNS)/left-atrium $(call RESUME,$(RUNS)/left-atrium)
	$(BIN)/dualssl evaluate $(RUNS)/left-atrium/model $(DATA)/la2018 --cases $(DATA)/la2018/validation.txt \
		--output $(RUNS)/left-atrium/evaluation.json

cardiac-cine: setup
	$(BIN)/dualssl train $(DATA)/acdc --labelled $(DATA)/acdc/labelled_6.txt --validation $(CINE_VALIDATION) \
		--preset strong --iterations 1500 --validate-every 250 --spacing 10,2.5,2.5 --patch 16,96,96 --width 8 \
		--name "Cardiac cine" --output $(RUNS)/cardiac-cine $(call RESUME,$(RUNS)/cardiac-cine)
	$(BIN)/dualssl evaluate $(RUNS)/cardiac-cine/model $(DATA)/acdc --cases $(CINE_VALIDATION) \
		--output $(RUNS)/cardiac-cine/evaluation.json

comma := ,
empty :=
# The last three patients, two frames each.
CINE_VALIDATION = $(subst $(empty) $(empty),$(comma),$(foreach p,018 019 020,patient$(p)_frame01 patient$(p)_frame02))

clean:
	rm -rf $(VENV) demo
