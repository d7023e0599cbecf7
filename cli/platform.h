/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_PLATFORM_H
#define CLI_PLATFORM_H
/* Starting and ending the embedded platform of the chosen context. Main thread. */
#include "cli/verb.h"

/* Starts the platform when it is absent and waits until it answers. The session is open. */
bool platform_raise(struct cli *, struct err *);
/* The same, where the context has one: its services may run elsewhere, and then of an image. */
bool platform_need(struct cli *, struct err *);
/* Ends it with all its services and waits until none of its processes is left. Not running is fine: *was_up tells. */
bool platform_lower(struct cli *, bool *was_up, struct err *);
/* Writes the systemd user unit that starts it at login, and has it checked where systemd-analyze is. */
int platform_install(struct cli *);
#endif
