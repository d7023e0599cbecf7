/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_LOG_FILES_H
#define PLATFORM_LOG_FILES_H
/* The names raw.N and index.N in a slot's folder, for their writer (slot_log) and their readers
 * (log_tail). Any thread. */
#include <stdbool.h>
#include <stdint.h>

/* kind: "raw", "index". Made 0600 when flags say so; close-on-exec, not followed. -1 with errno. */
int log_file_open(int slot_dir, const char *kind, uint64_t n, int flags);
/* The lowest and the highest N of which raw.N is there; false: none. */
bool log_files_range(int slot_dir, uint64_t *first, uint64_t *last);
void log_files_unlink(int slot_dir, uint64_t n);
#endif
