# Nave. `make` prints the doors.
SHELL := /bin/bash
.DEFAULT_GOAL := help
SWIFT ?= swift
CONFIGURATION ?= debug
BUILD := $(SWIFT) build --explicit-target-dependency-import-check error

.PHONY: help build test demo bench sim chaos lint format tsan docs package prepare

help: ## What can be done here
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-9s %s\n", $$1, $$2 }'

prepare: ## Install what is missing on this machine (Debian packages; with sudo where not root)
	@deploy/prepare

build: prepare ## Build hub, spoke and spoke-supervisor (CONFIGURATION=release for the real thing)
	$(BUILD) -c $(CONFIGURATION)

test: prepare ## Every test, against a throw-away Postgres
	@deploy/check

demo: prepare ## A hub, a spoke, a session in a worktree, its output read back: from nothing to done
	@deploy/demo

bench: prepare ## Figures as ratios to a physical limit or a peer in the same run
	@deploy/bench

sim: prepare ## The seeded simulation of both ends (SEEDS=20000; SIM_SEED=n replays one story)
	SIM_SEEDS=$(or $(SEEDS),20000) $(SWIFT) test --filter SimulationTests

chaos: prepare ## kill -9 of hub, spoke and Postgres under load (ROUNDS=20)
	CHAOS_ROUNDS=$(or $(ROUNDS),20) $(SWIFT) test --filter ChaosTests

lint: ## The format as .swift-format has it
	$(SWIFT) format lint --strict --parallel --recursive Package.swift Sources Tests Benchmarks

format: ## Rewrite the sources in that format
	$(SWIFT) format --in-place --parallel --recursive Package.swift Sources Tests Benchmarks

tsan: prepare ## The tests under the thread sanitizer
	TSAN_OPTIONS=halt_on_error=1 $(SWIFT) test --sanitize=thread --scratch-path .build/tsan

docs: prepare ## Write the generated pages anew (docs/operations.md and its like)
	NAVE_WRITE_DOCS=1 $(SWIFT) test --filter DocumentTests

package: prepare ## A tarball with the three binaries and the unit files
	@deploy/package
