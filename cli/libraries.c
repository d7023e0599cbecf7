/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/libraries.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

typedef void symbol(void); /* any function; cast to its own type before the call */

/* const char *f(void) */
static void as_text(symbol *f, char *out, size_t size)
{
	union {
		symbol *any;
		const char *(*call)(void);
	} u = {f};
	str_copy(out, size, u.call());
}

/* const char *f(int): OpenSSL_version(OPENSSL_VERSION_STRING = 6), "3.0.17" (OpenSSL_version(3)) */
static void as_openssl(symbol *f, char *out, size_t size)
{
	union {
		symbol *any;
		const char *(*call)(int);
	} u = {f};
	str_copy(out, size, u.call(6));
}

/* int pcre2_config(PCRE2_CONFIG_VERSION = 11, char *), "10.42 2022-12-11" (pcre2api(3)) */
static void as_pcre2(symbol *f, char *out, size_t size)
{
	union {
		symbol *any;
		int (*call)(uint32_t, void *);
	} u = {f};
	char text[64] = "";
	if (u.call(11, NULL) < (int)sizeof(text))
		u.call(11, text);
	text[strcspn(text, " ")] = '\0';
	str_copy(out, size, text);
}

static const struct {
	const char *name, *function;
	void (*ask)(symbol *, char *out, size_t size);
} rows[] = {
	{"ncursesw", "curses_version", as_text},
	{"libcurl", "curl_version", as_text},
	{"cJSON", "cJSON_Version", as_text},
	{"libyaml", "yaml_get_version_string", as_text},
	{"SQLite", "sqlite3_libversion", as_text},
	{"libmicrohttpd", "MHD_get_version", as_text},
	{"cmark-gfm", "cmark_version_string", as_text},
	{"PCRE2", "pcre2_config_8", as_pcre2},
	{"utf8proc", "utf8proc_version", as_text},
	{"libcrypto", "OpenSSL_version", as_openssl},
};

size_t libraries_list(struct library out[LIBRARIES_MAX])
{
	size_t n = 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && n < LIBRARIES_MAX; i++) {
		union {
			void *object;
			symbol *function;
		} found = {dlsym(RTLD_DEFAULT, rows[i].function)};
		if (!found.object)
			continue;
		out[n].name = rows[i].name;
		rows[i].ask(found.function, out[n].version, sizeof(out[n].version));
		n++;
	}
	return n;
}
