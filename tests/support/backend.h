/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_BACKEND_H
#define TESTS_SUPPORT_BACKEND_H
/*
 * An HTTP/1.1 server behind a relay that answers each connection once, by the path: with a length, in chunks, until it
 * closes, cut off, late, never. The rows are in script(), tests/support/backend.c.
 */
#include <stdbool.h>
#include <stddef.h>

enum { DEADLINE_MS = 10000 };

/* Reads behind what stands in text until that holds `until`; NULL: until the other side closes. False: it did not
 * come within DEADLINE_MS. */
bool take(int fd, char *text, size_t size, const char *until);
void put(int fd, const char *text);
void backend_serve(int listener); /* never returns; a process for each connection */
#endif
