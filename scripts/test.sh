#!/usr/bin/env bash
# All tests, in an environment of the project's own.
source "$(dirname "$0")/environment.sh" test
ruff check .
exec python -m pytest "$@"
