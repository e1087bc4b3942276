#!/usr/bin/env bash
# Writes requirements/*.txt from pyproject.toml. `make requirements` calls it.
#
# Keeps the versions already locked; UPGRADE=1 takes the newest, UPGRADE=name only that one.
# The locks are universal (every platform, Python 3.11 and later) and carry the hash of every
# file of each release, so the same lock serves a developer, CI and a container.
set -euo pipefail
cd "$(dirname "$0")/.."

# A machine's own package folder must neither decide a version nor be written into a lock.
unset PIP_FIND_LINKS PIP_INDEX_URL PIP_EXTRA_INDEX_URL UV_FIND_LINKS UV_INDEX UV_EXTRA_INDEX_URL
# pip knows the machine's certificates under another name than uv.
if [ -n "${PIP_CERT:-}" ]; then export SSL_CERT_FILE="${SSL_CERT_FILE:-$PIP_CERT}"; fi

case "${UPGRADE:-}" in
  "") upgrade=() ;;
  1) upgrade=(--upgrade) ;;
  *) upgrade=(--upgrade-package "$UPGRADE") ;;
esac

compile() { # compile OUTPUT [argument…]
  local output="requirements/$1"
  shift
  .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-config --no-emit-index-url --custom-compile-command "make requirements" \
    "$@" "${source:-pyproject.toml}" --output-file "$output"
  if grep -nE '://|--(index-url|extra-index-url|find-links)|(^|[[:space:]])/' "$output"; then
    echo "$output names an address or a path of this machine (above)" >&2
    exit 1
  fi
}

# Everything at once comes first: the smaller files may only repeat its versions.
compile dev.txt "${upgrade[@]}" --all-extras
compile test.txt --constraint requirements/dev.txt --extra server --extra postgres --extra test
compile server.txt --constraint requirements/dev.txt --extra server --extra postgres --extra otel
compile sdk.txt --constraint requirements/dev.txt --extra offline --extra events
# Not in the environment: `tools/fuzz` installs it in a folder of its own.
source=requirements/fuzz.in compile fuzz.txt "${upgrade[@]}"
