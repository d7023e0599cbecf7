#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs, through the system's package manager, what packages.txt names and this machine lacks.
# Says nothing when nothing is missing. sudo is asked only when something must be installed.
#   setup.sh run     what building and running needs
#   setup.sh test    what the tests need besides
set -eu
cd "$(dirname "$0")/.."

have() {
	case $1 in
	command:*) command -v "${1#command:}" >/dev/null 2>&1 ;;
	pkg:*) command -v pkg-config >/dev/null 2>&1 && pkg-config --exists "${1#pkg:}" ;;
	file:*) [ -e "${1#file:}" ] ;;
	esac
}

missing=
while read -r package needed_by what; do
	case $package in ''|'#'*) continue ;; esac
	[ "$needed_by" = run ] || [ "${1:-test}" = test ] || continue
	have "$what" || missing="$missing $package"
done < packages.txt
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	echo "fairway: missing:$missing" >&2
	echo "fairway: these are the names of Debian's packages; install your system's own of the same libraries, then run make again" >&2
	exit 1
fi
as_root=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null 2>&1 || {
		echo "fairway: missing:$missing; become root or install sudo, then run make again" >&2
		exit 1
	}
	as_root=sudo
fi
echo "fairway: installing$missing" >&2
$as_root apt-get update -qq
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
