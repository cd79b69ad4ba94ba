#!/bin/sh
# Makes .venv, with whatever it takes on a machine that has only Python 3.11 or newer, gcc, make and git.
# What is missing of the system's packages is installed with apt-get where there is one, and said. Who is neither root nor
# may use sudo gets the names of the packages.
# With the argument `devices`, also what microphones and speakers need, and a sound server to test them on; with `speech`,
# a speech synthesiser; with `instructions`, what counts them. A machine where these cannot be had goes on without.
set -eu
cd "$(dirname "$0")/.."
venv=${VENV:-.venv}

say() { printf '==> %s\n' "$*"; }

python=${PYTHON:-}
if [ -z "$python" ]; then
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            python=$candidate
            break
        fi
    done
fi
[ -n "$python" ] || { say "no Python 3.11 or newer was found; name one with PYTHON=..."; exit 1; }

missing=
compiler=${CC:-cc}
command -v "${compiler%% *}" >/dev/null 2>&1 || missing="$missing gcc libc6-dev"
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
# Debian's Python comes without its headers and without ensurepip.
"$python" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' ||
    missing="$missing python$version-dev"
"$python" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python$version-venv"

wanted=
for argument in "$@"; do
    case $argument in
        devices) wanted="$wanted portaudio19-dev pulseaudio pulseaudio-utils libasound2-plugins" ;;
        speech) wanted="$wanted espeak-ng" ;;
        instructions) wanted="$wanted valgrind" ;;
    esac
done
sound=
if command -v dpkg-query >/dev/null 2>&1; then
    for package in $wanted; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || sound="$sound $package"
    done
fi

if [ -n "$sound" ] && ! command -v apt-get >/dev/null 2>&1; then
    say "some tests are skipped without$sound"
    sound=
fi

install() {
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $1 >/dev/null
}

# In one line, to hand to an administrator.
for_administrator() {
    say "missing, please install, or hand this line to an administrator:"
    echo "apt-get install$missing$sound"
}

if [ -n "$missing$sound" ]; then
    command -v apt-get >/dev/null 2>&1 || { say "missing, please install:$missing"; exit 1; }
    sudo=
    if [ "$(id -u)" = 0 ]; then
        may=yes
    elif command -v sudo >/dev/null 2>&1; then
        say "sudo apt-get install$missing$sound"
        sudo=sudo
        sudo true && may=yes || may=
    else
        may=
    fi
    if [ -n "$may" ]; then
        say "apt-get install$missing$sound"
        $sudo apt-get update -qq || [ -z "$missing" ]
        [ -z "$missing" ] || install "$missing"
        [ -z "$sound" ] || install "$sound" || say "without all of$sound: some tests are skipped"
    else
        for_administrator
        [ -z "$missing" ] || exit 1
        say "without these packages some tests are skipped"
    fi
fi

[ "${1:-}" != devices ] || tools/fetch_pipewire.sh

if [ ! -x "$venv/bin/python" ]; then
    say "a virtual environment in $venv, with $("$python" --version)"
    "$python" -m venv "$venv"
fi
