/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H
/* Base64 with the standard alphabet and padding, RFC 4648 §4. Any thread. */
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

void base64_add(struct str *, const void *bytes, size_t len); /* appends, on one line */
/* Appends what the text stands for. Line breaks in it are skipped, as RFC 2045 and Go's encoding/base64 do; any
 * other stray byte, or padding that is missing or too much, is false, and out may hold a part. */
bool base64_read(struct str *out, const char *text, size_t len);
#endif
