/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_HASH_H
#define BASE_HASH_H
/*
 * SHA-256 (FIPS 180-4, by libcrypto's EVP). It names releases, approvals, plans and links of the audit chain.
 * Never fails: libcrypto without memory ends the program as base/mem.h says. Any thread, one hash at a time
 * each.
 */
#include <stddef.h>

#define HASH_BYTES 32
#define HASH_HEX (2 * HASH_BYTES + 1) /* lower case hex and its NUL */

struct hash { /* from hash_start() to hash_finish() or hash_finish_hex(), which free it */
	void *context;
};
void hash_start(struct hash *);
void hash_add(struct hash *, const void *bytes, size_t len);
/* Adds the length (8 bytes, little-endian), then the text: parts that are joined so cannot be shifted into
 * each other. NULL is another value than "". */
void hash_add_field(struct hash *, const char *text);
void hash_finish(struct hash *, unsigned char out[HASH_BYTES]);
void hash_finish_hex(struct hash *, char out[HASH_HEX]);

void hash_sha256(const void *bytes, size_t len, unsigned char out[HASH_BYTES]);
void hash_sha256_hex(const void *bytes, size_t len, char out[HASH_HEX]);
void hash_to_hex(const unsigned char digest[HASH_BYTES], char out[HASH_HEX]);
#endif
