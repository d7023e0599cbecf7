/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_ADDRESS_H
#define BACKEND_ADDRESS_H
/* Paths and parameters of requests, percent-encoded (RFC 3986: unreserved bytes stay). Any thread. */
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

void address_escape(struct str *, const char *text, bool keeps_slash);
/* Appends "&name=value", or "?name=value" when it is the first; nothing for NULL. */
void address_parameter(struct str *path, const char *name, const char *value);
void address_time(struct str *path, const char *name, int64_t wall_ms); /* RFC 3339; nothing for 0 */
void address_number(struct str *path, const char *name, int64_t value);
#endif
