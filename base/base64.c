/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_add(struct str *out, const void *bytes, size_t len)
{
	const unsigned char *s = bytes;
	for (size_t i = 0; i < len; i += 3) {
		unsigned long v = (unsigned long)s[i] << 16;
		v |= i + 1 < len ? (unsigned long)s[i + 1] << 8 : 0;
		v |= i + 2 < len ? s[i + 2] : 0;
		str_addc(out, digits[v >> 18 & 63]);
		str_addc(out, digits[v >> 12 & 63]);
		str_addc(out, i + 1 < len ? digits[v >> 6 & 63] : '=');
		str_addc(out, i + 2 < len ? digits[v & 63] : '=');
	}
}

bool base64_read(struct str *out, const char *text, size_t len)
{
	unsigned long v = 0;
	size_t n = 0, pads = 0; /* of the group of four */
	for (size_t i = 0; i < len; i++) {
		const char *digit = text[i] ? strchr(digits, text[i]) : NULL;
		if (text[i] == '\n' || text[i] == '\r')
			continue;
		if (text[i] == '=' && n >= 2)
			pads++;
		else if (!digit || pads)
			return false;
		v = v << 6 | (digit ? (unsigned long)(digit - digits) : 0);
		if (++n < 4)
			continue;
		const char bytes[] = {(char)(v >> 16), (char)(v >> 8), (char)v};
		str_addn(out, bytes, 3 - pads);
		n = v = 0;
		if (pads) { /* nothing but line breaks may follow */
			while (++i < len)
				if (text[i] != '\n' && text[i] != '\r')
					return false;
		}
	}
	return n == 0;
}
