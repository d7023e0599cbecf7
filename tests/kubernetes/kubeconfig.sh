#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The table of odd kubeconfigs against the rig's own kubectl, whatever it is by now.
. tests/support/tap.sh
. tests/kubernetes/lib.sh
needs_rig
KUBECTL=$KUBECTL sh tests/e2e/kubeconfig.sh
