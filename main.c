/* SPDX-License-Identifier: Apache-2.0 */
/* Which role: console, verb, daemon, keeper, relay, shim. */
#include <stdio.h>

#include "base/version.h"

int main(void)
{
	printf("fairway %s\n", fairway_version);
	return 0;
}
