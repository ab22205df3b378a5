# make demo   the main job on the sample project, shown answering
# make test   everything that must hold, on this machine
# make proof  the heavy matrix against the real servers
# make lab    what takes longest, or a quiet machine: load, every walk, every pair: by hand
# make soak   ten minutes of load and restarts for each default stack, by hand
# make lint   ruff and mypy
# make bench  everything of docs/benchmarks.md, beside pinned peers; takes 10 minutes
# make bench-served  its served part alone
# make golden re-records tests/golden/*/expected and the screens; look at the diff
# make score  what independent judges say of every case, into docs/scoreboard.md
# make pictures  the same, and the README's hero with chromium

PYTHON_BIN = .venv/bin/python

.PHONY: bench bench-served demo test proof lab soak lint golden score pictures setup
.DEFAULT_GOAL := test

demo:
	@scripts/bootstrap
	@$(PYTHON_BIN) scripts/demo.py

setup:
	@scripts/bootstrap --system

test: setup lint
	$(PYTHON_BIN) -m pytest -n 2 --dist loadfile -m "not proof and not lab"

proof: setup
	$(PYTHON_BIN) -m pytest -n 2 --dist loadfile -v -m "proof and not lab"
	@scripts/second-python

lab: setup
	$(PYTHON_BIN) -m pytest -n 2 --dist loadfile --timeout 3600 -o faulthandler_timeout=3700 -m lab

soak: setup
	$(PYTHON_BIN) scripts/soak.py

lint:
	@scripts/bootstrap
	$(PYTHON_BIN) -m ruff check .
	$(PYTHON_BIN) -m ruff format --check .
	$(PYTHON_BIN) -m mypy

golden:
	@scripts/bootstrap
	$(PYTHON_BIN) -m pytest -q tests/test_golden.py tests/test_screens.py --update-golden \
		--deselect tests/test_screens.py::test_the_hero_is_made_from_the_picture

score: setup
	$(PYTHON_BIN) scripts/scoreboard.py

pictures: golden
	$(PYTHON_BIN) scripts/pictures.py

bench: setup
	$(PYTHON_BIN) benchmarks

bench-served: setup
	$(PYTHON_BIN) benchmarks served
