/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_LIBRARIES_H
#define CLI_LIBRARIES_H
/*
 * The libraries this process runs with, as the dynamic linker found them: their versions are asked at run time where
 * the library tells. Symbols are looked up by name, so that no header of theirs is needed here. Main thread.
 */
#include <stddef.h>

#define LIBRARIES_MAX 16
struct library {
	const char *name;
	char version[64]; /* as the library tells it */
};
size_t libraries_list(struct library out[LIBRARIES_MAX]); /* those that tell; returns how many */
#endif
