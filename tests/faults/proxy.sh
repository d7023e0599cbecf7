#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The fault proxy (tests/faults/proxy.c) does what it is told, to the byte: tests/faults/proxy.py looks from both ends.
. tests/support/tap.sh
python3 tests/faults/proxy.py "${BUILD:-build}/tests/faults/proxy" "$scratch"
