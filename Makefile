# Three commands do everything on a fresh machine with Python >= 3.10: `make app`, `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: setup system-libraries browser app demo test lint format bench bench-module bench-web left-atrium left-atrium-placement \
	left-atrium-ablation left-atrium-results cardiac-cine phantom-model cmake-lists icons clean

setup: $(STAMP)

# What Qt and the views of the Slicer module's tests lean on, and a bare Debian lacks. Who may not install them goes without:
# those tests are skipped then, and say what to install.
SYSTEM_LIBRARIES := libegl1 libgl1 libglib2.0-0 libxkbcommon0 libfontconfig1 libdbus-1-3

system-libraries:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! dpkg -s $(SYSTEM_LIBRARIES) >/dev/null 2>&1; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends $(SYSTEM_LIBRARIES) \
			|| echo "Not installed: $(SYSTEM_LIBRARIES). Tests that need them are skipped."; fi

# What the tests of the web front end look at its pages with. Where it cannot be installed, those tests are skipped.
browser:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! command -v chromium >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends chromium \
			|| echo "Not installed: chromium. Tests that need it are skipped."; fi

$(STAMP): constraints.txt train/pyproject.toml web/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 10) else "Python 3.10 or newer is needed: run make PYTHON=/path/to/python3.x")'
	@$(MAKE) --no-print-directory system-libraries
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--editable "train[report,test,slicer-test]" --editable "web[test]"
	@touch $@

# One thread a process: two test processes with two threads each would wait for one another on two cores. The browser's front end
# has processes of its own: trame's parts go on following the scene that all tests of a process share, and slow its closing down.
test: setup browser lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --ignore Testing/web
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile Testing/web

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

# The front end in a browser. With VOLUME, LIBRARY or MODEL it opens those, else a generated sample case.
PORT ?= 8080

app: setup
	$(BIN)/dualssl-web --port $(PORT) $(if $(VOLUME),--volume "$(VOLUME)") $(if $(LIBRARY),--library "$(LIBRARY)") \
		$(if $(MODEL),--model "$(MODEL)")

demo: setup
	$(BIN)/dualssl demo --output demo

# With MODEL, DATASET and CASES also the Dice against the published way of predicting.
bench: setup
	$(BIN)/dualssl benchmark --output benchmarks/prediction_and_training.json \
		$(if $(MODEL),--model $(MODEL) --dataset $(DATASET) --cases $(CASES))

# How fast the Slicer module is; with MODEL also on a real case. Nothing else should run meanwhile.
bench-module: setup
	$(BIN)/python Testing/tools/measure_module.py $(if $(MODEL),--model $(MODEL))

# How fast the page in the browser is, and whether its server's memory grows. Five hundred rounds and four hours idle:
# `make bench-web MORE="--rounds 500 --idle-minutes 240"`.
bench-web: setup browser
	$(BIN)/python Testing/tools/measure_web.py $(MORE)

# The trainings on real volumes that benchmarks/README.md reports; each goes on where it was stopped.
DATA ?= ../shared/data
RUNS ?= runs
RESUME = $(if $(wildcard $(1)/run.json),--resume)

LA := $(DATA)/la2018
LA_LISTS := --labelled $(LA)/labelled_8.txt --unlabelled $(LA)/train.txt --validation $(LA)/validation.txt
LA_SCORED := $(LA) --cases $(LA)/validation.txt
LEFT_ATRIUM ?= $(RUNS)/left-atrium
LEFT_ATRIUM_RELEASE ?= $(LEFT_ATRIUM)/released

# What was finished is not done again: remove a file or folder to have it made anew.
left-atrium: setup
	[ -d $(LEFT_ATRIUM)/model ] || $(BIN)/dualssl train $(LA) $(LA_LISTS) --preset strong --iterations 8000 \
		--validate-every 800 --spacing 1.25,1.25,1.25 --patch 48,64,64 --width 8 --name "Left atrium" \
		--output $(LEFT_ATRIUM) $(call RESUME,$(LEFT_ATRIUM))
	[ -f $(LEFT_ATRIUM)/evaluation.json ] || \
		$(BIN)/dualssl evaluate $(LEFT_ATRIUM)/model $(LA_SCORED) --output $(LEFT_ATRIUM)/evaluation.json
	[ -f $(LEFT_ATRIUM)/calibration.json ] || \
		$(BIN)/dualssl models calibrate $(LEFT_ATRIUM)/model $(LA_SCORED) --output $(LEFT_ATRIUM)/calibration.json
	[ -d $(LEFT_ATRIUM_RELEASE) ] || $(BIN)/dualssl models release $(LEFT_ATRIUM)/model --output $(LEFT_ATRIUM_RELEASE) \
		--evaluation $(LEFT_ATRIUM)/evaluation.json --calibration $(LEFT_ATRIUM)/calibration.json \
		--data "Late gadolinium-enhanced MR of the heart, 72 of the 80 public training cases of the 2018 Atrial Segmentation \
	Challenge, cut around the left atrium; 8 of them with labels. The other 8 cases are those of the validation figures." \
		--licence Apache-2.0 --authors "The authors of DualSSLSegmentation" \
		--citation "Xiong et al. 2021, A global benchmark of algorithms for segmenting the left atrium from late \
	gadolinium-enhanced cardiac magnetic resonance imaging, Medical Image Analysis 67, 101832 (the data)" \
		--citation "Lu et al. 2025, Enhancing Dual Network Based Semi-Supervised Medical Image Segmentation with \
	Uncertainty-Guided Pseudo-Labeling, arXiv 2509.13084 (the method)" \
		--limit "It has only seen images that are cut around the left atrium. On larger ones it marks other parts of the heart, or \
	nothing of the atrium: draw a region of interest as tight as the crops are (about 112 x 88 x 55 mm)." \
		--limit "All its cases come from one challenge and one kind of sequence; nothing else was tried." \
		--limit "The data were published for research, with the wish to be cited and without a licence. The weights are Apache-2.0 as far \
	as they are ours: ask for the terms of the data before any other use." \
		--limit "The checkpoint is the last one, the seed the first: neither was chosen by its figures. The cases of the figures also \
	served for the learning curve and for the temperature."
	$(LA_PLACEMENT)

# The validation cases in larger volumes: a quarter of an hour on one core.
LA_PLACEMENT = [ -f $(LEFT_ATRIUM)/placement.json ] || \
	$(BIN)/dualssl models placement $(LEFT_ATRIUM_RELEASE) $(LA_SCORED) --output $(LEFT_ATRIUM)/placement.json

left-atrium-placement: setup
	$(LA_PLACEMENT)

# A run is called PRESET_sSEED or PRESET_no_PART_sSEED. Each is trained and scored once; one that was stopped goes on.
ABLATION ?= $(RUNS)/left-atrium-ablation
ABLATION_SEEDS ?= 1 2 3
ABLATION_VARIANTS ?= strong supervised paper paper_code strong_no_copy_paste paper_no_filtered paper_no_dynamic \
	paper_no_contrast paper_no_cosine strong_no_unlabelled strong_no_discrepancy

left-atrium-ablation: setup
	set -e; for seed in $(ABLATION_SEEDS); do for variant in $(ABLATION_VARIANTS); do \
		run=$(ABLATION)/$${variant}_s$$seed; preset=$${variant%%_no_*}; part=$${variant#*_no_}; \
		[ -d $$run/model ] || $(BIN)/dualssl train $(LA) $(LA_LISTS) --iterations 1000 --validate-every 250 \
			--spacing 2,2,2 --patch 32,48,48 --width 8 --seed $$seed --name "Left atrium" --preset $$preset \
			$$([ $$part = $$variant ] || echo --without $$part) --output $$run $$([ ! -f $$run/run.json ] || echo --resume); \
		[ -f $$run/evaluation.json ] || $(BIN)/dualssl evaluate $$run/model $(LA_SCORED) --output $$run/evaluation.json; \
	done; done

# Tables and learning curves of whatever is finished of both.
left-atrium-results: setup
	$(BIN)/python Testing/tools/results_table.py --run $(LEFT_ATRIUM) $(if $(wildcard $(ABLATION)),--ablation $(ABLATION)) \
		--output benchmarks/left_atrium

# The model of Resources/Models/phantom: generated cases like the sample of the Slicer module, of another seed.
PHANTOM ?= $(RUNS)/phantom
PHANTOM_RELEASE ?= $(PHANTOM)/released

phantom-model: setup
	[ -f $(RUNS)/phantoms/dataset.json ] || $(BIN)/dualssl phantom --output $(RUNS)/phantoms --cases 40 --labelled 12 \
		--validation 4 --structures 2 --variation 0.65 --seed 1
	[ -d $(PHANTOM)/model ] || $(BIN)/dualssl train $(RUNS)/phantoms --labelled $(RUNS)/phantoms/labelled_12.txt \
		--validation $(RUNS)/phantoms/validation.txt --preset strong --iterations 1000 --validate-every 250 --patch 48,48,48 \
		--width 4 --name Phantom --output $(PHANTOM) $(call RESUME,$(PHANTOM))
	[ -f $(PHANTOM)/evaluation.json ] || $(BIN)/dualssl evaluate $(PHANTOM)/model $(RUNS)/phantoms \
		--cases $(RUNS)/phantoms/validation.txt --output $(PHANTOM)/evaluation.json
	[ -d $(PHANTOM_RELEASE) ] || $(BIN)/dualssl models release $(PHANTOM)/model --output $(PHANTOM_RELEASE) \
		--evaluation $(PHANTOM)/evaluation.json --name "Phantom (generated images)" --licence Apache-2.0 \
		--authors "The authors of DualSSLSegmentation" \
		--data "Generated images only, 40 cases of 'dualssl phantom' with seed 1: no patient, no scanner." \
		--limit "Not for patients: it knows nothing but generated shapes. It is there to try the program with." \
		--limit "Made to be small, and unsure in places: there shall be something to review in the sample."

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
