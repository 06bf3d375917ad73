# The front door. `make demo` and `make test` do all set-up themselves.
BUILD ?= build
TORCH ?=
JOBS ?= 2
export TORCH
CMAKE_FLAGS := -G Ninja $(if $(TORCH),-DTORCH=$(TORCH),) $(if $(CI),-DBEHOLDER_WERROR=ON,)

.PHONY: all setup configure demo test bench cost peers peers-llama check-cuda lint format oracle embedded clean

all: configure
	@cmake --build $(BUILD) -j $(JOBS) --target beholder

setup:
	@tools/setup.sh

configure: setup
	@cmake -S . -B $(BUILD) $(CMAKE_FLAGS) > $(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }

# Ranks real image files with the embedded judge, with reasons, and writes a report to look at.
demo: all
	@tools/demo.sh $(BUILD)/bin/beholder

test: configure
	@cmake --build $(BUILD) -j $(JOBS)
	@cd $(BUILD) && ctest --output-on-failure -j $(JOBS) -LE slow

# One room after a change, as in `make test-vlm`: its test program in two halves beside each other.
test-%: configure
	@cmake --build $(BUILD) -j $(JOBS) --target $*_test
	@export GTEST_TOTAL_SHARDS=2 GTEST_BRIEF=1 OMP_NUM_THREADS=1; GTEST_SHARD_INDEX=0 $(BUILD)/$*_test & first=$$!; \
	 GTEST_TOTAL_SHARDS=2 GTEST_BRIEF=1 OMP_NUM_THREADS=1 GTEST_SHARD_INDEX=1 $(BUILD)/$*_test; second=$$?; wait $$first && exit $$second

# The rows of docs/PERFORMANCE.md: ours beside the peers where `make peers` has set them up. BENCH="--quick" takes under three minutes.
bench: all
	@cmake --build $(BUILD) -j $(JOBS) --target beholder_bench beholder_ask_bench preprocess_bench rank_bench
	@python3 bench/run.py --build $(BUILD) $(BENCH)

# docs/images/cost.svg: what a step costs by pictures, group and length.
cost: all
	@cmake --build $(BUILD) -j $(JOBS) --target rank_bench
	@python3 bench/cost.py --build $(BUILD)

peers:
	@python3 -m venv .venv-peers && .venv-peers/bin/pip install -q -r tools/peers/requirements.txt

# llama.cpp beside them, for the rows of the 3B geometry (make bench BENCH="--rows P4 --work DIR"): a build of 15 minutes.
peers-llama: peers
	@tools/peers/build_llama.sh

# What a CUDA build has of its own, against the toolkit's headers (and NCCL_INCLUDE=DIR for nccl.h); `make test` does it where there is a toolkit.
check-cuda: setup
	@tools/check_cuda.sh $(or $(TORCH),$$(echo .venv/lib/python3*/site-packages/torch))

lint: setup
	@command -v clang-tidy-19 > /dev/null || { echo "make lint needs: apt-get install -y clang-format-19 clang-tidy-19"; exit 1; }
	@clang-format-19 --dry-run --Werror $$(git ls-files 'src/*.cc' 'src/*.h')
	@cmake -S . -B $(BUILD)-lint $(CMAKE_FLAGS) -DBEHOLDER_UNITY=OFF > $(BUILD)-lint.log 2>&1 || { cat $(BUILD)-lint.log; exit 1; }
	@clang-tidy-19 -p $(BUILD)-lint --quiet $$(git ls-files 'src/*.cc' | grep -v _test.cc)

format:
	@clang-format-19 -i $$(git ls-files 'src/*.cc' 'src/*.h')

# Regenerates tests/data from transformers, Pillow and tokenizers (tools/peers/requirements.txt).
oracle: peers
	@for script in tools/oracle_*.py; do echo "oracle: $$script"; .venv-peers/bin/python $$script; done
	@.venv-peers/bin/python tools/make_data_fixtures.py tests/data/datasets

# Trains the embedded judge again, from nothing (resumable; about two hours of one core): the cold start, then reinforcement learning on it.
embedded: all
	@$(BUILD)/bin/beholder train sft --config recipes/cold_start.toml
	@$(BUILD)/bin/beholder train grpo --config recipes/soft.toml --model runs/cold-start/final

clean:
	@rm -rf $(BUILD) $(BUILD).log $(BUILD)-lint $(BUILD)-lint.log
