/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main of a fuzz target without libFuzzer: feeds it each file of its corpus, whole, cut at every byte and with every
 * byte spoilt (of long ones: at 500 places), and tells TAP. A broken assertion or a sanitizer's finding ends the program, which
 * the runner counts as a failure.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/fuzz/fuzz.h"

#define PLACES 500

/* In memory of just that size, so that a sanitizer sees a read past the end. */
static void feed(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	if (!copy)
		mem_exhausted();
	memcpy(copy, bytes, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static void replay(uint8_t *bytes, size_t len)
{
	static const uint8_t spoilt[] = {0x00, 0x1B, 0xFF, '"', '\n'};
	size_t stride = len / PLACES + 1;
	feed(bytes, len);
	for (size_t i = 0; i < len; i += stride) {
		uint8_t was = bytes[i];
		feed(bytes, i);
		bytes[i] = spoilt[(i / stride) % sizeof(spoilt)];
		feed(bytes, len);
		bytes[i] = was;
	}
}

static uint8_t *read_all(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	uint8_t *bytes = NULL;
	size_t n = 0, got;
	while (f) {
		bytes = mem_grow(bytes, n + 65536, 1);
		got = fread(bytes + n, 1, 65536, f);
		n += got;
		if (got == 0)
			break;
	}
	if (f)
		fclose(f);
	*len = n;
	return bytes;
}

int main(int argc, char **argv)
{
	char folder[256], path[1024];
	const char *name = strrchr(argv[0], '/');
	int n = 0;
	(void)argc;
	snprintf(folder, sizeof(folder), "tests/fuzz/corpus/%s", name ? name + 1 : argv[0]);
	struct dirent **entries;
	int count = scandir(folder, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		size_t len;
		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		uint8_t *bytes = entries[i]->d_name[0] == '.' ? NULL : read_all(path, &len);
		if (bytes) {
			replay(bytes, len);
			printf("ok %d - %s\n", ++n, entries[i]->d_name);
			fflush(stdout);
		}
		free(bytes);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	if (n == 0)
		printf("not ok 1 - %s holds no input\n", folder);
	printf("1..%d\n", n ? n : 1);
	return n == 0;
}
