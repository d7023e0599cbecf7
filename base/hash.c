/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <openssl/evp.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

void hash_start(struct hash *h)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	if (!ctx || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
		mem_exhausted();
	h->context = ctx;
}

void hash_add(struct hash *h, const void *bytes, size_t len)
{
	if (len && EVP_DigestUpdate(h->context, bytes, len) != 1)
		mem_exhausted();
}

void hash_add_field(struct hash *h, const char *text)
{
	uint64_t len = text ? strlen(text) : UINT64_MAX;
	unsigned char prefix[8];
	for (int i = 0; i < 8; i++)
		prefix[i] = (unsigned char)(len >> (8 * i));
	hash_add(h, prefix, sizeof(prefix));
	if (text)
		hash_add(h, text, (size_t)len);
}

void hash_finish(struct hash *h, unsigned char out[HASH_BYTES])
{
	if (EVP_DigestFinal_ex(h->context, out, NULL) != 1)
		mem_exhausted();
	EVP_MD_CTX_free(h->context);
	h->context = NULL;
}

void hash_to_hex(const unsigned char digest[HASH_BYTES], char out[HASH_HEX])
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < HASH_BYTES; i++) {
		out[2 * i] = digits[digest[i] >> 4];
		out[2 * i + 1] = digits[digest[i] & 15];
	}
	out[HASH_HEX - 1] = '\0';
}

void hash_finish_hex(struct hash *h, char out[HASH_HEX])
{
	unsigned char digest[HASH_BYTES];
	hash_finish(h, digest);
	hash_to_hex(digest, out);
}

void hash_sha256(const void *bytes, size_t len, unsigned char out[HASH_BYTES])
{
	struct hash h;
	hash_start(&h);
	hash_add(&h, bytes, len);
	hash_finish(&h, out);
}

void hash_sha256_hex(const void *bytes, size_t len, char out[HASH_HEX])
{
	unsigned char digest[HASH_BYTES];
	hash_sha256(bytes, len, digest);
	hash_to_hex(digest, out);
}
