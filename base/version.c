/* SPDX-License-Identifier: Apache-2.0 */
#include "base/version.h"

#include "stamp.h"

const char *const fairway_version = FAIRWAY_VERSION;
