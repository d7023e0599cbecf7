/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "backend/loop.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/version.h"

#define HEADERS_MAX_BYTES (64 * 1024)
#define HEADERS_MAX 128
#define REDIRECTS_MAX 3
#define HEAD_MS 30000
#define CONNECT_MS 10000
#define READ_BUFFER (512 * 1024)

struct http {
	struct loop_transfer transfer; /* first: loop.c reports to it */
	struct loop *loop;
	CURL *easy;
	struct curl_slist *send, *connect_to;
	struct http_handler handler;
	void *arg;
	struct arena arena;
	const char *method, *url, *socket;
	const char *origin;       /* of the server */
	const char *dialled;      /* of the URL that libcurl is given: another one where the TLS name differs */
	bool is_write, is_stream;
	size_t ceiling, received, header_bytes;
	int64_t head_ms, idle_ms, last_byte;
	struct loop_timer timer, resume;
	struct header heads[HEADERS_MAX];
	size_t n_heads;
	int redirects;
	bool is_head_told, is_held, is_cancelled, is_redirect;
	struct err failure; /* ours, that ended it from a callback */
	char curl_text[CURL_ERROR_SIZE];
};

bool http_set_up(struct err *err)
{
	if (curl_global_init_mem(CURL_GLOBAL_ALL, mem_for_malloc, free, mem_for_realloc, mem_for_strdup,
	                         mem_for_calloc) != CURLE_OK)
		return err_set(err, ERR_FAILED, "libcurl could not be set up");
	return true;
}

static void release(struct http *h)
{
	loop_timer_clear(h->loop, &h->timer);
	loop_timer_clear(h->loop, &h->resume);
	curl_multi_remove_handle(loop_curl(h->loop), h->easy);
	curl_easy_cleanup(h->easy);
	curl_slist_free_all(h->send);
	curl_slist_free_all(h->connect_to);
	arena_finish(&h->arena);
	free(h);
}

/* What a person can use: the socket or the URL without its query, which may hold long cursors. */
static const char *where(const struct http *h)
{
	return h->socket ? h->socket : h->origin;
}

static bool tell_head(struct http *h)
{
	if (h->is_head_told || h->is_redirect)
		return true;
	h->is_head_told = true;
	long status = 0;
	curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
	h->handler.head(h->arg, (int)status, h->heads, h->n_heads);
	return !h->is_cancelled;
}

static void take_header(struct http *h, const char *line, size_t len)
{
	while (len && strchr("\r\n \t", line[len - 1]))
		len--;
	const char *colon = memchr(line, ':', len);
	if (!colon || h->n_heads == HEADERS_MAX)
		return;
	char *name = arena_dup_n(&h->arena, line, (size_t)(colon - line));
	for (char *c = name; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	const char *value = colon + 1;
	while (value < line + len && (*value == ' ' || *value == '\t'))
		value++;
	h->heads[h->n_heads++] =
		(struct header){name, arena_dup_n(&h->arena, value, (size_t)(line + len - value))};
}

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
	struct http *h = arg;
	size_t len = size * n;
	if (h->is_cancelled)
		return 0;
	h->last_byte = clock_mono_ms();
	h->header_bytes += len;
	if (h->header_bytes > HEADERS_MAX_BYTES) {
		err_set(&h->failure, ERR_FAILED, "%s: the reply's header is larger than 64 KiB", where(h));
		return 0;
	}
	if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
		h->n_heads = 0; /* a new block: 100 Continue came before */
		return len;
	}
	if (len > 2 || (len && line[0] != '\r' && line[0] != '\n')) {
		take_header(h, line, len);
		return len;
	}
	long status = 0;
	curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200)
		return len;
	h->is_redirect = status >= 301 && status <= 308 && status != 304 && status != 305;
	return tell_head(h) ? len : 0;
}

static size_t on_bytes(char *bytes, size_t size, size_t n, void *arg)
{
	struct http *h = arg;
	size_t len = size * n;
	if (h->is_cancelled)
		return 0;
	h->last_byte = clock_mono_ms();
	if (h->is_redirect)
		return len;
	if (h->is_held)
		return CURL_WRITEFUNC_PAUSE; /* keeps these bytes, and reads no more of them */
	h->received += len;
	if (h->ceiling && h->received > h->ceiling) {
		err_set(&h->failure, ERR_FAILED, "%s: the reply is larger than %zu bytes", where(h),
			h->ceiling);
		return 0;
	}
	h->handler.bytes(h->arg, bytes, len);
	return h->is_cancelled ? 0 : len;
}

/* One timer for "no head yet" and "no byte for too long": moved only when it is due, not at each byte. */
static void on_timer(void *arg)
{
	struct http *h = arg;
	int64_t limit = h->is_head_told ? h->idle_ms : h->head_ms;
	if (!limit)
		return;
	int64_t left = h->last_byte + limit - clock_mono_ms();
	if (h->is_held)
		left = limit;
	if (left > 0) {
		loop_timer_set(h->loop, &h->timer, left, on_timer, h);
		return;
	}
	err_set(&h->failure, ERR_UNREACHABLE,
		h->is_head_told ? "%s: no byte for %lld ms" : "%s does not answer (%lld ms)", where(h),
		(long long)limit);
	curl_multi_remove_handle(loop_curl(h->loop), h->easy);
	h->transfer.finished(&h->transfer, CURLE_OPERATION_TIMEDOUT);
}

static bool was_sent(struct http *h)
{
	long sent = 0;
	curl_off_t ready = 0;
	curl_easy_getinfo(h->easy, CURLINFO_REQUEST_SIZE, &sent);
	curl_easy_getinfo(h->easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
	return sent > 0 || ready > 0;
}

static bool is_broken(CURLcode code)
{
	static const CURLcode codes[] = {CURLE_SSL_CONNECT_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_SEND_ERROR,
	                                 CURLE_RECV_ERROR};
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i] == code)
			return true;
	return false;
}

static void explain(struct http *h, CURLcode code, struct err *err)
{
	long number = 0;
	curl_easy_getinfo(h->easy, CURLINFO_OS_ERRNO, &number);
	if (h->failure.kind)
		*err = h->failure;
	else if (code == CURLE_COULDNT_CONNECT && number)
		err_errno(err, ERR_UNREACHABLE, (int)number, "%s", where(h));
	else
		err_set(err, ERR_UNREACHABLE, "%s: %s", where(h),
			h->curl_text[0] ? h->curl_text : curl_easy_strerror(code));
	if (is_broken(code) && !h->failure.kind)
		err->code = ECONNRESET;
	if (h->is_write && was_sent(h)) {
		err->kind = ERR_UNKNOWN;
		err_prefix(err, "the request was sent, its outcome is not known");
	}
}

static char *origin_of(struct arena *arena, const char *url)
{
	char *scheme = NULL, *host = NULL, *port = NULL, *origin = NULL;
	CURLU *u = curl_url();
	if (u && !curl_url_set(u, CURLUPART_URL, url, 0) && !curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) &&
	    !curl_url_get(u, CURLUPART_HOST, &host, 0) &&
	    !curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT))
		origin = arena_printf(arena, "%s://%s:%s", scheme, host, port);
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	return origin;
}

/* Starts again at the new place; false with the reason in err. */
static bool redirect(struct http *h, struct err *err)
{
	char *to = NULL;
	curl_easy_getinfo(h->easy, CURLINFO_REDIRECT_URL, &to);
	const char *origin = to ? origin_of(&h->arena, to) : NULL;
	if (h->is_write)
		return err_set(err, ERR_FAILED, "%s redirects to %s: a write follows no redirect", where(h),
			       origin ? origin : "nowhere");
	if (!origin)
		return err_set(err, ERR_FAILED, "%s redirects to nowhere", where(h));
	if (!str_eq(origin, h->dialled))
		return err_set(err, ERR_FAILED, "%s redirects to %s, which is another place: not followed",
			       h->origin, origin);
	if (h->redirects++ == REDIRECTS_MAX)
		return err_set(err, ERR_FAILED, "%s redirects more than %d times", h->origin, REDIRECTS_MAX);
	h->url = arena_dup(&h->arena, to);
	h->is_redirect = false;
	h->n_heads = 0;
	curl_easy_setopt(h->easy, CURLOPT_URL, h->url);
	return curl_multi_add_handle(loop_curl(h->loop), h->easy) == CURLM_OK;
}

static void on_finished(struct loop_transfer *transfer, int code)
{
	struct http *h = (struct http *)transfer;
	struct err err = {0};
	if (h->is_cancelled) {
		release(h);
		return;
	}
	if (code == CURLE_OK && h->is_redirect) {
		if (redirect(h, &err))
			return;
	} else if (code != CURLE_OK) {
		explain(h, (CURLcode)code, &err);
	} else if (!tell_head(h)) {
		release(h);
		return;
	}
	h->handler.done(h->arg, err.kind ? &err : NULL);
	release(h);
}

static void append(struct curl_slist **list, const char *line)
{
	*list = curl_slist_append(*list, line);
	if (!*list)
		mem_exhausted();
}

static bool add_header(struct http *h, const char *name, const char *value, struct err *err)
{
	for (const char *c = value; *c; c++)
		if (((unsigned char)*c < 0x20 && *c != '\t') || *c == 0x7f)
			return err_set(err, ERR_REFUSED,
				       "the value of header %s holds a control byte: not sent", name);
	char *line = *value ? arena_printf(&h->arena, "%s: %s", name, value)
			    : arena_printf(&h->arena, "%s;", name);
	append(&h->send, line);
	return true;
}

/* By its text: a name that only begins like one ("127.example.org") is another machine. */
static bool is_loopback(const char *origin)
{
	const char *host = strstr(origin, "://") + 3;
	if (str_starts(host, "localhost:") || str_starts(host, "[::1]:"))
		return true;
	return str_starts(host, "127.") && host[strspn(host, "0123456789.")] == ':';
}

static bool is_plain_with_secret(const struct http *h, const struct http_wish *wish)
{
	if (h->socket || str_starts(h->origin, "https:") || is_loopback(h->origin))
		return false;
	for (size_t i = 0; i < wish->n_headers; i++)
		if (strcasecmp(wish->headers[i].name, "Authorization") == 0)
			return true;
	return wish->secret.name != NULL;
}

static void set_blob(CURL *e, CURLoption option, const char *pem)
{
	struct curl_blob blob = {.data = (char *)pem, .len = pem ? strlen(pem) : 0, .flags = CURL_BLOB_COPY};
	if (pem)
		curl_easy_setopt(e, option, &blob);
}

static void set_tls(struct http *h, const struct http_way *way)
{
	CURL *e = h->easy;
	curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (way->ca_file || way->ca_pem) {
		curl_easy_setopt(e, CURLOPT_CAINFO, way->ca_file);
		curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	}
	set_blob(e, CURLOPT_CAINFO_BLOB, way->ca_pem);
	set_blob(e, CURLOPT_SSLCERT_BLOB, way->cert_pem);
	set_blob(e, CURLOPT_SSLKEY_BLOB, way->key_pem);
	if (way->key_pem)
		curl_easy_setopt(e, CURLOPT_KEYPASSWD, ""); /* or libcrypto asks for one on the terminal */
	if (way->is_insecure) {
		curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (h->connect_to)
		curl_easy_setopt(e, CURLOPT_CONNECT_TO, h->connect_to);
}

static void set_proxy(struct http *h, const char *proxy)
{
	CURL *e = h->easy;
	if (h->socket)
		curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, h->socket);
	if (h->socket || (!proxy && is_loopback(h->origin))) {
		curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
	} else if (proxy) {
		bool is_socks = str_starts(proxy, "socks5://");
		curl_easy_setopt(e, CURLOPT_NOPROXY, "");
		curl_easy_setopt(e, CURLOPT_PROXY,
				 is_socks ? arena_printf(&h->arena, "socks5h://%s", proxy + strlen("socks5://"))
					  : proxy);
	}
}

/* libcurl checks a certificate against the URL's host. So that becomes the name wanted, and the connection goes to
 * where the URL pointed. */
static bool rename_server(struct http *h, const char *tls_name, struct err *err)
{
	char *url = NULL, *host = NULL, *port = NULL, *said = NULL;
	CURLU *u = curl_url();
	if (!u)
		mem_exhausted();
	bool is_good = !curl_url_set(u, CURLUPART_URL, h->url, 0) &&
		       !curl_url_get(u, CURLUPART_HOST, &host, 0) &&
		       !curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) &&
		       !curl_url_set(u, CURLUPART_HOST, tls_name, 0) &&
		       !curl_url_get(u, CURLUPART_URL, &url, 0);
	if (is_good) {
		bool has_port = !curl_url_get(u, CURLUPART_PORT, &said, 0);
		append(&h->connect_to, arena_printf(&h->arena, "%s:%s:%s:%s", tls_name, port, host, port));
		is_good = add_header(h, "Host",
				     arena_printf(&h->arena, "%s%s%s", host, has_port ? ":" : "",
						  has_port ? said : ""), err);
		h->url = arena_dup(&h->arena, url);
		h->dialled = origin_of(&h->arena, url);
	} else {
		err_set(err, ERR_USAGE, "%s: \"%.100s\" cannot be the name of a server", h->origin, tls_name);
	}
	curl_free(url);
	curl_free(host);
	curl_free(port);
	curl_free(said);
	curl_url_cleanup(u);
	return is_good;
}

static void set_options(struct http *h, const struct http_wish *wish)
{
	CURL *e = h->easy;
	curl_easy_setopt(e, CURLOPT_PRIVATE, (char *)&h->transfer);
	curl_easy_setopt(e, CURLOPT_URL, h->url);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, h->curl_text);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	bool is_plain = h->socket || is_loopback(h->origin) || wish->way.is_uncompressed;
	curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, is_plain ? NULL : "");
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
			 (long)(h->head_ms < CONNECT_MS ? h->head_ms : CONNECT_MS));
	curl_easy_setopt(e, CURLOPT_BUFFERSIZE, (long)READ_BUFFER);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, h);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, h);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, h->send);
	set_tls(h, &wish->way);
	set_proxy(h, wish->way.proxy);
	/* For all: once a connection to a server spoke HTTP/2, libcurl 7.88 puts any request that may speak it on
	 * whatever connection to there it has, also on a stream's that is in use and speaks HTTP/1.1: the request
	 * then takes bytes of that stream for its answer. */
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	if (h->is_write || h->is_stream) {
		curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
		curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
	}
	if (wish->body || h->is_write) {
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)wish->body_len);
		curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, wish->body ? wish->body : "");
	}
	curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, h->method);
}

static bool prepare(struct http *h, const struct http_wish *wish, struct err *err)
{
	append(&h->send, "Expect:"); /* that is: none */
	h->origin = origin_of(&h->arena, h->url);
	if (!h->origin)
		return err_set(err, ERR_USAGE, "\"%.100s\" is not an http or https URL", h->url);
	h->dialled = h->origin;
	if (is_plain_with_secret(h, wish))
		return err_set(err, ERR_REFUSED, "%s: a token does not travel over http:// without TLS",
			       h->origin);
	if (!add_header(h, "User-Agent", arena_printf(&h->arena, "fairway/%s", fairway_version), err) ||
	    (wish->way.tls_name && !rename_server(h, wish->way.tls_name, err)))
		return false;
	for (size_t i = 0; i < wish->n_headers; i++)
		if (!add_header(h, wish->headers[i].name, wish->headers[i].value, err))
			return false;
	if (wish->secret.name && !add_header(h, wish->secret.name, wish->secret.value, err))
		return false;
	set_options(h, wish);
	if (curl_multi_add_handle(loop_curl(h->loop), h->easy) != CURLM_OK)
		return err_set(err, ERR_FAILED, "%s: libcurl does not take the request", where(h));
	return true;
}

struct http *http_start(struct loop *loop, const struct http_wish *wish, const struct http_handler *handler,
			void *arg, struct err *err)
{
	struct http *h = mem_alloc(sizeof(*h));
	*h = (struct http){
		.transfer.finished = on_finished, .loop = loop, .handler = *handler, .arg = arg,
		.is_write = wish->is_write, .is_stream = wish->is_stream, .ceiling = wish->ceiling,
		.head_ms = wish->head_ms ? wish->head_ms : HEAD_MS,
	};
	h->idle_ms = wish->idle_ms || wish->is_stream ? wish->idle_ms : h->head_ms;
	h->method = arena_dup(&h->arena, wish->method);
	h->url = arena_dup(&h->arena, wish->url);
	h->socket = arena_dup(&h->arena, wish->way.socket);
	h->easy = curl_easy_init();
	if (!h->easy)
		mem_exhausted();
	if (!prepare(h, wish, err)) {
		release(h);
		return NULL;
	}
	h->last_byte = clock_mono_ms();
	loop_timer_set(loop, &h->timer, h->head_ms, on_timer, h);
	return h;
}

static void on_resume(void *arg)
{
	struct http *h = arg;
	h->last_byte = clock_mono_ms();
	if (!h->is_held && !h->is_cancelled)
		curl_easy_pause(h->easy, CURLPAUSE_CONT);
}

/* The next bytes of the body meet it (on_bytes). Paused from outside, libcurl 7.88 reads once more and hands over the lines of a
 * head in one piece later, or fails when 1xx came before. Going on calls our handlers for what it keeps, so that waits until
 * our caller is done. */
void http_hold(struct http *h, bool is_held)
{
	if (h->is_held == is_held)
		return;
	h->is_held = is_held;
	if (!is_held)
		loop_timer_set(h->loop, &h->resume, 0, on_resume, h);
}

static void on_cancelled(void *arg)
{
	release(arg);
}

/* Not at once: this may run inside a callback of this or of another transfer, where libcurl allows no
 * removal. */
void http_cancel(struct http *h)
{
	h->is_cancelled = true;
	loop_timer_set(h->loop, &h->timer, 0, on_cancelled, h);
}
