#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The sample platform's services as real processes, without fairway around them: see samples.py.
exec python3 -B tests/e2e/samples.py
