/* SPDX-License-Identifier: Apache-2.0 */
#include "model/version.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"

/* --- of a commit --- */

void version_question(size_t at, const char *service, const char *commit, struct arena *a,
		      const char *words[VERSION_WORDS])
{
	size_t n = 0;
	if (at < 2) {
		words[n++] = "describe";
		words[n++] = "--tags";
		words[n++] = at ? "--exclude=*/*" : arena_printf(a, "--match=%s/*", service);
	} else {
		words[n++] = "rev-parse";
		words[n++] = "--short";
	}
	words[n++] = commit;
	words[n] = NULL;
}

const char *version_answer(const char *service, const char *text, size_t len, struct arena *a)
{
	size_t own = strlen(service);
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	const char *name = arena_dup_n(a, text, len);
	if (str_starts(name, service) && name[own] == '/')
		return name + own + 1;
	return name[0] == 'v' && isdigit((unsigned char)name[1]) ? name + 1 : name;
}

/* --- of an image --- */

/* Where its name ends: before the tag, or before the digest when there is none. */
size_t image_name_length(const char *image)
{
	size_t len = strcspn(image, "@");
	const char *slash = memrchr(image, '/', len), *from = slash ? slash : image;
	const char *colon = memchr(from, ':', len - (size_t)(from - image));
	return colon ? (size_t)(colon - image) : len;
}

const char *image_version(const char *image, struct arena *a)
{
	if (str_empty(image))
		return NULL;
	size_t name = image_name_length(image), len = strcspn(image, "@");
	if (name < len)
		return arena_dup_n(a, image + name + 1, len - name - 1);
	const char *digest = image[len] ? strchr(image + len, ':') : NULL;
	return digest ? arena_dup_n(a, digest + 1, strnlen(digest + 1, 12)) : "latest";
}

static bool is_tag(const char *text)
{
	static const char word[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	size_t len = strlen(text);
	return len >= 1 && len <= 128 && strchr(word, text[0]) &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == len;
}

static bool is_digest(const char *text)
{
	size_t algorithm = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+._-");
	if (!algorithm || text[algorithm] != ':')
		return false;
	const char *hex = text + algorithm + 1;
	return strlen(hex) >= 32 && strspn(hex, "0123456789abcdef") == strlen(hex);
}

const char *image_with(const char *image, const char *version, struct arena *a, struct err *err)
{
	size_t len = strlen(version);
	if (len == 0 || len > 512 ||
	    strspn(version, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/:@+") < len) {
		err_set(err, ERR_USAGE, "\"%.60s\" is no version: give a tag, a digest or a whole image",
			version);
		return NULL;
	}
	if (is_digest(version) || is_tag(version)) {
		if (str_empty(image)) {
			err_set(err, ERR_USAGE,
				"it has no image yet to be given another version: give a whole image");
			return NULL;
		}
		return arena_printf(a, "%.*s%c%s", (int)image_name_length(image), image,
				    is_tag(version) ? ':' : '@', version);
	}
	/* A whole image: what follows its name must be a tag or a digest. */
	size_t name = image_name_length(version), end = strcspn(version, "@");
	const char *tag = name < end ? arena_dup_n(a, version + name + 1, end - name - 1) : NULL;
	if (name == 0 || (tag && !is_tag(tag)) || (version[end] && !is_digest(version + end + 1)) ||
	    version[name - 1] == '/') {
		err_set(err, ERR_USAGE, "\"%.60s\" is no image: NAME, NAME:TAG or NAME@sha256:DIGEST",
			version);
		return NULL;
	}
	return arena_dup(a, version);
}
