# Sourced by demo.sh and test.sh: an environment of the project's own in .venv, set up once and again when pyproject.toml changes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "corpus_tuner needs Python 3.11 or newer; set PYTHON=/path/to/python3.11" >&2; exit 2; }
venv=${VENV:-.venv}
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
stamp="$venv/.installed-$1-$(cat pyproject.toml scripts/constraints.txt | cksum | cut -d' ' -f1)"
if [ ! -e "$stamp" ]; then
  echo "installing corpus_tuner[$1] into $venv (once; some minutes)" >&2
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --constraint scripts/constraints.txt --editable ".[$1]"
  touch "$stamp"
fi
PATH="$(cd "$venv/bin" && pwd):$PATH"
export PATH
