# Run `make` for a list of the targets. Builds and downloads go to .build.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

build := .build

.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
# On a terminal, job control (set -m) keeps Ctrl-C to the server: make would
# end with an error. Elsewhere the server takes the place of the shell, so that
# a signal to make reaches it.
run: $(build)/instances ## serve all APIs on http://127.0.0.1:3000 (PORT=… and DATA=… choose otherwise)
	@serve=($(build)/instances serve $(if $(DATA),--data '$(DATA)')); \
	if [[ -t 0 ]]; then set -m; "$${serve[@]}"; else exec "$${serve[@]}"; fi

.PHONY: rehearse
rehearse: $(build)/instances ## serve the functions as they get deployed, on DynamoDB Local; COLDSTARTS=20 measures them instead
	@rehearse=($(if $(COLDSTARTS),go run ./pkg/internal/dev/coldstarts --rounds '$(COLDSTARTS)',$(build)/instances serve --rehearse $(if $(DATA),--data '$(DATA)'))); \
	if [[ -t 0 ]]; then set -m; "$${rehearse[@]}"; else exec "$${rehearse[@]}"; fi

# Always built, since only the compiler knows what changed; it is fast then.
.PHONY: $(build)/instances
$(build)/instances:
	@mkdir -p $(build)
	@go build -o $@ ./pkg/cmd/instances

.PHONY: test
test: ## run every test; as root on Debian or Ubuntu, install what is missing first
	@.ci/test

.PHONY: bench
bench: ## measure handlers and repositories
	go run ./pkg/internal/dev/withdynamodb -- go test -run '^$$' -bench . -benchmem ./pkg/...

.PHONY: lint
lint: $(build)/bin/golangci-lint ## check format, module, vet and lint
	test -z "$$(gofmt -l . | tee /dev/stderr)"
	go mod tidy -diff
	go vet ./...
	$(build)/bin/golangci-lint run ./...

$(build)/bin/golangci-lint: .ci/tools/go.mod .ci/tools/go.sum
	GOBIN=$(CURDIR)/$(build)/bin go -C .ci/tools install tool
	@touch $@

.PHONY: build
build: ## build every function as it is deployed, with the SAM CLI
	source .ci/flags.sh && PATH=$(CURDIR)/$(build)/venv/bin:$$PATH sam build

.PHONY: validate
validate: ## check the template with the SAM CLI, and build every function with it
	.ci/validate

.PHONY: sam-local
sam-local: ## compare with the SAM CLI's functions and API in Docker
	.ci/sam-local

.PHONY: deploy
deploy: ## build and deploy to AWS: ENV=dev, ENV=prod, or guided
	@ENV='$(ENV)' GUIDED='$(GUIDED)' .ci/deploy

.PHONY: smoke
# The key reaches the program as a variable of the environment, and can come as
# one: every user of the machine can read a command line.
smoke: ## try out a deployed API, and clean up: URL=… KEY=NAME:SECRET
	@go run ./pkg/cmd/smoke --url '$(URL)'

.PHONY: cost
cost: ## measure what each operation uses, and print what a million of it costs on AWS
	@go run ./pkg/internal/dev/cost

.PHONY: clean
clean: ## remove what was built, but not .data
	rm -rf $(build) .aws-sam
