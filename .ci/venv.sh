# Installs the SAM CLI and Schemathesis into .build, where they are not there, and
# puts them on the path. To be sourced, at the top of the tree.
# shellcheck shell=bash
export SAM_CLI_TELEMETRY=0
venv=.build/venv
if ! cmp -s .ci/requirements.txt "$venv/requirements.txt"; then
	printf '\n== install the SAM CLI and Schemathesis\n'
	if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
		echo "They need Python 3.10 or later, with its modules venv and ensurepip: install python3 and python3-venv." >&2
		exit 1
	fi
	rm -rf "$venv"
	python3 -m venv "$venv"
	"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement .ci/requirements.txt
	cp .ci/requirements.txt "$venv/"
fi
PATH="$PWD/$venv/bin:$PATH"
