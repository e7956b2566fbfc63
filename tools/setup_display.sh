#!/usr/bin/env bash
# Install the Debian packages with which PsychoPy opens a window where there is no screen.
#
# Does nothing when they are installed.
set -euo pipefail

# An X server without a screen, and software OpenGL.
packages=(
    xvfb
    libgl1
    libgl1-mesa-dri
    libglu1-mesa
    libglx-mesa0
    libegl1
)

if ! command -v dpkg-query >/dev/null; then
    if command -v Xvfb >/dev/null; then
        exit 0
    fi
    echo "A window without a screen needs Xvfb, Mesa's software OpenGL (GL, GLU, EGL)." \
        "This is not Debian or Ubuntu (there: ${packages[*]}), so install what your system" \
        "calls them, then try again." >&2
    exit 1
fi

installed=$(dpkg-query --show --showformat='${Package} ${Status}\n' "${packages[@]}" 2>/dev/null |
    sed -n 's/ install ok installed$//p') || true
missing=()
for package in "${packages[@]}"; do
    grep -qx "$package" <<<"$installed" || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
    exit 0
fi

as_root=()
if ((EUID != 0)); then
    if ! sudo -n true 2>/dev/null; then
        echo "These Debian packages are missing. Run this line, then try again:" >&2
        echo "    sudo apt-get install --no-install-recommends ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo -n)
fi
echo "Installing ${missing[*]}"
# Another apt-get may hold the lock: wait for it rather than fail.
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
"${apt[@]}" update
"${apt[@]}" install --yes --no-install-recommends "${missing[@]}" >/dev/null
