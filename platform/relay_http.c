/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/relay_http.h"

#include <string.h>
#include <strings.h>

enum { EXTRA_MAX = 8192 }; /* bytes of a chunk's size line, or of all trailers */

/* RFC 9110 §5.6.2 */
static bool is_token_char(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return true;
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
		return true;
	return c && strchr("!#$%&'*+-.^_`|~", c);
}

static bool is_token(struct relay_piece p)
{
	for (size_t i = 0; i < p.len; i++)
		if (!is_token_char((unsigned char)p.at[i]))
			return false;
	return p.len > 0;
}

static bool piece_is(struct relay_piece p, const char *word)
{
	return p.len == strlen(word) && !strncasecmp(p.at, word, p.len);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct relay_piece piece_trim(struct relay_piece p)
{
	while (p.len && is_blank(p.at[0]))
		p.at++, p.len--;
	while (p.len && is_blank(p.at[p.len - 1]))
		p.len--;
	return p;
}

/* The next element of a comma-separated list; false at its end. Empty elements are passed over. */
static bool list_next(struct relay_piece *list, struct relay_piece *item)
{
	while (list->len) {
		const char *comma = memchr(list->at, ',', list->len);
		size_t n = comma ? (size_t)(comma - list->at) : list->len;
		*item = piece_trim((struct relay_piece){list->at, n});
		size_t skip = comma ? n + 1 : n;
		list->at += skip;
		list->len -= skip;
		if (item->len)
			return true;
	}
	return false;
}

static bool list_has(struct relay_piece list, const char *word)
{
	struct relay_piece item;
	while (list_next(&list, &item))
		if (piece_is(item, word))
			return true;
	return false;
}

enum relay_more relay_head_end(const char *bytes, size_t len, size_t *scanned, size_t *head_len)
{
	for (size_t i = *scanned; i < len; i++) {
		bool is_after_cr = i && bytes[i - 1] == '\r';
		if (!bytes[i] || (bytes[i] == '\n') != is_after_cr)
			return RELAY_BAD;
		*scanned = i + 1;
		if (i >= 3 && !memcmp(bytes + i - 3, "\r\n\r\n", 4)) {
			*head_len = i + 1;
			return RELAY_DONE;
		}
	}
	return RELAY_MORE;
}

/* Cuts one line off; the head is known to be CRLF lines. */
static struct relay_piece line_next(const char **at, const char *end)
{
	const char *stop = memchr(*at, '\r', (size_t)(end - *at));
	struct relay_piece line = {*at, stop ? (size_t)(stop - *at) : (size_t)(end - *at)};
	*at = stop ? stop + 2 : end;
	return line;
}

static bool value_is_clean(struct relay_piece v)
{
	for (size_t i = 0; i < v.len; i++) {
		unsigned char c = (unsigned char)v.at[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* Reads the header block into fields. Gives 0 or the status of the refusal. */
static int fields_read(const char *at, const char *end, struct relay_head *h, const char **why)
{
	for (;;) {
		struct relay_piece line = line_next(&at, end);
		if (!line.len)
			return 0;
		const char *colon = memchr(line.at, ':', line.len);
		struct relay_field f;
		if (!colon)
			return *why = "a header line has no colon", 400;
		f.name = (struct relay_piece){line.at, (size_t)(colon - line.at)};
		f.value = piece_trim((struct relay_piece){colon + 1, line.len - f.name.len - 1});
		if (!is_token(f.name))
			return *why = "a header line is folded or its name is not a word", 400;
		if (!value_is_clean(f.value))
			return *why = "a header value holds control characters", 400;
		if (h->field_count == RELAY_FIELDS_MAX)
			return *why = "too many header lines", 431;
		h->fields[h->field_count++] = f;
	}
}

static bool length_read(struct relay_piece v, uint64_t *length)
{
	uint64_t n = 0;
	if (!v.len || v.len > 18)
		return false;
	for (size_t i = 0; i < v.len; i++) {
		if (v.at[i] < '0' || v.at[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(v.at[i] - '0');
	}
	*length = n;
	return true;
}

/* What the fields say about the connection and the body. Gives 0 or the status of the refusal. */
static int framing_read(struct relay_head *h, const char **why)
{
	bool has_chunked = false, has_close = false, has_keep = false;
	bool wants_upgrade = false, names_upgrade = false;
	for (size_t i = 0; i < h->field_count; i++) {
		const struct relay_field *f = &h->fields[i];
		if (piece_is(f->name, "content-length")) {
			if (h->has_length || !length_read(f->value, &h->length))
				return *why = "Content-Length is repeated or is not a number", 400;
			h->has_length = true;
		} else if (piece_is(f->name, "transfer-encoding")) {
			if (has_chunked || !piece_is(f->value, "chunked"))
				return *why = "the only Transfer-Encoding read here is one \"chunked\"", 501;
			has_chunked = true;
		} else if (piece_is(f->name, "connection")) {
			has_close |= list_has(f->value, "close");
			has_keep |= list_has(f->value, "keep-alive");
			wants_upgrade |= list_has(f->value, "upgrade");
		} else if (piece_is(f->name, "upgrade")) {
			names_upgrade = true;
		}
	}
	if (has_chunked && (h->has_length || h->minor == 0))
		return *why = "Transfer-Encoding beside Content-Length, or in HTTP/1.0", 400;
	h->framing = has_chunked ? RELAY_CHUNKED : h->has_length && h->length ? RELAY_LENGTH : RELAY_NO_BODY;
	h->is_persistent = !has_close && (h->minor == 1 || has_keep);
	h->is_upgrade = wants_upgrade && names_upgrade && h->minor == 1;
	return 0;
}

static bool version_read(struct relay_piece v, int *minor)
{
	if (v.len != 8 || memcmp(v.at, "HTTP/1.", 7) || (v.at[7] != '0' && v.at[7] != '1'))
		return false;
	*minor = v.at[7] - '0';
	return true;
}

/* RFC 9112 §3.2: origin form, "*" and the absolute form, which is turned into the origin form. */
static bool target_read(struct relay_piece t, struct relay_head *h)
{
	for (size_t i = 0; i < t.len; i++)
		if ((unsigned char)t.at[i] <= 0x20 || t.at[i] == 0x7f)
			return false;
	h->target = t;
	if (t.len && t.at[0] == '/')
		return true;
	if (t.len == 1 && t.at[0] == '*')
		return relay_method_is(h, "OPTIONS");
	if (t.len <= 7 || strncasecmp(t.at, "http://", 7))
		return false;
	const char *host = t.at + 7, *slash = memchr(host, '/', t.len - 7);
	if (memchr(host, '@', slash ? (size_t)(slash - host) : t.len - 7))
		return false;
	h->authority = (struct relay_piece){host, slash ? (size_t)(slash - host) : t.len - 7};
	if (!h->authority.len || memchr(h->authority.at, '?', h->authority.len))
		return false;
	h->target = (struct relay_piece){"/", 1};
	if (slash)
		h->target = (struct relay_piece){slash, t.len - (size_t)(slash - t.at)};
	return true;
}

static int request_line_read(struct relay_piece line, struct relay_head *h, const char **why)
{
	const char *first = memchr(line.at, ' ', line.len);
	const char *last = memrchr(line.at, ' ', line.len);
	if (!first || first == last)
		return *why = "the request line is not METHOD TARGET VERSION", 400;
	h->method = (struct relay_piece){line.at, (size_t)(first - line.at)};
	struct relay_piece version = {last + 1, line.len - (size_t)(last + 1 - line.at)};
	if (!is_token(h->method))
		return *why = "the method is not a word", 400;
	if (!version_read(version, &h->minor))
		return *why = "only HTTP/1.0 and HTTP/1.1 are spoken here", 505;
	if (relay_method_is(h, "CONNECT"))
		return *why = "CONNECT is not served here", 501;
	if (!target_read((struct relay_piece){first + 1, (size_t)(last - first - 1)}, h))
		return *why = "the request target is not a path", 400;
	return 0;
}

int relay_request_read(const char *bytes, size_t len, struct relay_head *h, const char **why)
{
	const char *at = bytes, *end = bytes + len;
	*h = (struct relay_head){0};
	int status = request_line_read(line_next(&at, end), h, why);
	if (!status)
		status = fields_read(at, end, h, why);
	if (!status)
		status = framing_read(h, why);
	if (status)
		return status;
	size_t hosts = 0;
	for (size_t i = 0; i < h->field_count; i++)
		hosts += piece_is(h->fields[i].name, "host");
	if (hosts > 1 || (!hosts && h->minor == 1))
		return *why = "exactly one Host is wanted", 400;
	return 0;
}

static bool status_line_read(struct relay_piece line, struct relay_head *h)
{
	if (line.len < 12 || !version_read((struct relay_piece){line.at, 8}, &h->minor) || line.at[8] != ' ')
		return false;
	for (int i = 9; i < 12; i++) {
		if (line.at[i] < '0' || line.at[i] > '9')
			return false;
		h->status = h->status * 10 + (line.at[i] - '0');
	}
	if (h->status < 100 || h->status > 599 || (line.len > 12 && line.at[12] != ' '))
		return false;
	if (line.len > 13)
		h->reason = (struct relay_piece){line.at + 13, line.len - 13};
	return value_is_clean(h->reason);
}

int relay_answer_read(const char *bytes, size_t len, bool to_head, struct relay_head *h, const char **why)
{
	const char *at = bytes, *end = bytes + len;
	*h = (struct relay_head){0};
	if (!status_line_read(line_next(&at, end), h))
		return *why = "its status line is not HTTP/1.0 or HTTP/1.1", 502;
	if (fields_read(at, end, h, why) || framing_read(h, why))
		return 502;
	bool is_bare = to_head || h->status < 200 || h->status == 204 || h->status == 304;
	if (is_bare)
		h->framing = RELAY_NO_BODY;
	else if (h->framing == RELAY_NO_BODY && !h->has_length)
		h->framing = RELAY_UNTIL_CLOSE;
	return 0;
}

bool relay_method_is(const struct relay_head *h, const char *method)
{
	return h->method.len == strlen(method) && !memcmp(h->method.at, method, h->method.len);
}

/* RFC 9110 §7.6.1; Expect stays, it is end to end. What the body needs is written anew. */
static const char *const hop_by_hop[] = {
	"connection", "keep-alive",        "proxy-connection", "te",
	"trailer",    "transfer-encoding", "upgrade",          "content-length",
};

static bool is_forwarded(const struct relay_head *h, struct relay_piece name)
{
	for (size_t i = 0; i < sizeof(hop_by_hop) / sizeof(*hop_by_hop); i++)
		if (piece_is(name, hop_by_hop[i]))
			return false;
	for (size_t i = 0; i < h->field_count; i++) {
		struct relay_piece list = h->fields[i].value, item;
		if (!piece_is(h->fields[i].name, "connection"))
			continue;
		while (list_next(&list, &item))
			if (item.len == name.len && !strncasecmp(item.at, name.at, name.len))
				return false;
	}
	return true;
}

static void piece_add(struct str *out, struct relay_piece p)
{
	if (p.len)
		str_addn(out, p.at, p.len);
}

static void field_add(struct str *out, const struct relay_field *f)
{
	piece_add(out, f->name);
	str_add(out, ": ");
	piece_add(out, f->value);
	str_add(out, "\r\n");
}

static void upgrade_add(const struct relay_head *h, struct str *out)
{
	str_add(out, "Connection: Upgrade\r\n");
	for (size_t i = 0; i < h->field_count; i++)
		if (piece_is(h->fields[i].name, "upgrade"))
			field_add(out, &h->fields[i]);
}

/* A Host or a Content-Length named in Connection would vanish at the instance: those are never taken out. */
static bool is_kept(const struct relay_head *h, struct relay_piece name)
{
	return piece_is(name, "host") || is_forwarded(h, name);
}

void relay_request_write(const struct relay_head *h, const char *peer, struct str *out)
{
	bool has_host = false;
	piece_add(out, h->method);
	str_addc(out, ' ');
	piece_add(out, h->target);
	str_add(out, " HTTP/1.1\r\n");
	for (size_t i = 0; i < h->field_count; i++) {
		const struct relay_field *f = &h->fields[i];
		bool is_host = piece_is(f->name, "host");
		bool is_rewritten = piece_is(f->name, "x-forwarded-for") || (is_host && h->authority.len);
		has_host |= is_host;
		if (is_kept(h, f->name) && !is_rewritten)
			field_add(out, f);
	}
	if (h->authority.len) {
		str_add(out, "Host: ");
		piece_add(out, h->authority);
		str_add(out, "\r\n");
	} else if (!has_host) {
		str_add(out, "Host: localhost\r\n"); /* HTTP/1.0 need not send one, HTTP/1.1 must */
	}
	str_add(out, "X-Forwarded-For: ");
	for (size_t i = 0; i < h->field_count; i++)
		if (piece_is(h->fields[i].name, "x-forwarded-for") && h->fields[i].value.len) {
			piece_add(out, h->fields[i].value);
			str_add(out, ", ");
		}
	str_addf(out, "%s\r\nVia: 1.%d fairway\r\n", peer, h->minor);
	if (h->framing == RELAY_CHUNKED)
		str_add(out, "Transfer-Encoding: chunked\r\n");
	else if (h->has_length)
		str_addf(out, "Content-Length: %llu\r\n", (unsigned long long)h->length);
	if (h->is_upgrade)
		upgrade_add(h, out);
	else
		str_add(out, "Connection: close\r\n");
	str_add(out, "\r\n");
}

void relay_answer_write(const struct relay_head *h, enum relay_framing framing, bool is_last, struct str *out)
{
	str_addf(out, "HTTP/1.1 %03d ", h->status);
	piece_add(out, h->reason);
	str_add(out, "\r\n");
	for (size_t i = 0; i < h->field_count; i++)
		if (is_forwarded(h, h->fields[i].name))
			field_add(out, &h->fields[i]);
	if (h->status == 101) {
		upgrade_add(h, out);
	} else if (h->status >= 200) {
		if (framing == RELAY_CHUNKED)
			str_add(out, "Transfer-Encoding: chunked\r\n");
		else if (h->has_length && h->status != 204 && framing != RELAY_UNTIL_CLOSE)
			str_addf(out, "Content-Length: %llu\r\n", (unsigned long long)h->length);
		if (is_last)
			str_add(out, "Connection: close\r\n");
	}
	str_add(out, "\r\n");
}

static const char *status_words(int status)
{
	static const struct {
		int status;
		const char *words;
	} rows[] = {
		{400, "Bad Request"},
		{408, "Request Timeout"},
		{431, "Request Header Fields Too Large"},
		{501, "Not Implemented"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
		{505, "HTTP Version Not Supported"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].status == status)
			return rows[i].words;
	return "Error";
}

void relay_refusal_write(int status, const char *text, bool to_head, bool is_last, struct str *out)
{
	str_addf(out, "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\n", status,
		 status_words(status));
	str_addf(out, "Content-Length: %zu\r\n", strlen(text) + 1);
	if (status == 503)
		str_add(out, "Retry-After: 1\r\n");
	str_addf(out, "%s\r\n", is_last ? "Connection: close\r\n" : "");
	if (!to_head)
		str_addf(out, "%s\n", text);
}

/* The chunked reader, RFC 9112 §7.1. */
enum {
	CHUNK_SIZE_FIRST, /* wants a hex digit */
	CHUNK_SIZE,
	CHUNK_EXTENSION,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER_FIRST, /* first byte of a trailer line, or the CR of the end */
	CHUNK_TRAILER,
	CHUNK_TRAILER_LF,
	CHUNK_END_LF,
	CHUNK_DONE,
};

void relay_body_init(struct relay_body *b, enum relay_framing framing, uint64_t length)
{
	*b = (struct relay_body){.framing = framing, .left = framing == RELAY_LENGTH ? length : 0};
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	char low = (char)(c | 0x20);
	return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

static bool chunk_size_step(struct relay_body *b, char c)
{
	int digit = hex_digit(c);
	if (digit >= 0) {
		b->left = b->left * 16 + (uint64_t)digit;
		b->state = CHUNK_SIZE;
		return ++b->extra <= 15; /* 60 bits: never wraps */
	}
	if (b->state == CHUNK_SIZE_FIRST)
		return false;
	b->state = c == '\r' ? CHUNK_SIZE_LF : CHUNK_EXTENSION;
	return c == '\r' || c == ';';
}

/* A byte inside an extension or a trailer: counted, and never a control that another reader may take for
 * an end. */
static bool extra_step(struct relay_body *b, char c, int after_cr)
{
	if (c == '\r')
		b->state = after_cr;
	else if ((unsigned char)c < 0x20 && c != '\t')
		return false;
	return ++b->extra <= EXTRA_MAX;
}

/* One byte of framing (never of data). false: not a chunked body. */
static bool chunk_step(struct relay_body *b, char c)
{
	switch (b->state) {
	case CHUNK_SIZE_FIRST:
	case CHUNK_SIZE:
		return chunk_size_step(b, c);
	case CHUNK_EXTENSION:
		return extra_step(b, c, CHUNK_SIZE_LF);
	case CHUNK_SIZE_LF:
		b->state = b->left ? CHUNK_DATA : CHUNK_TRAILER_FIRST;
		b->extra = 0;
		return c == '\n';
	case CHUNK_DATA_CR:
		b->state = CHUNK_DATA_LF;
		return c == '\r';
	case CHUNK_DATA_LF:
		b->state = CHUNK_SIZE_FIRST;
		return c == '\n';
	case CHUNK_TRAILER_FIRST:
		b->state = CHUNK_TRAILER;
		return extra_step(b, c, CHUNK_END_LF);
	case CHUNK_TRAILER:
		return extra_step(b, c, CHUNK_TRAILER_LF);
	case CHUNK_TRAILER_LF:
		b->state = CHUNK_TRAILER_FIRST;
		return c == '\n';
	case CHUNK_END_LF:
		b->state = CHUNK_DONE;
		return c == '\n';
	}
	return false;
}

static enum relay_more chunked_take(struct relay_body *b, const char *bytes, size_t len, size_t *used,
				    struct relay_piece *data)
{
	while (*used < len) {
		if (b->state == CHUNK_DATA) {
			size_t n = len - *used < b->left ? len - *used : (size_t)b->left;
			*data = (struct relay_piece){bytes + *used, n};
			*used += n;
			b->left -= n;
			if (!b->left)
				b->state = CHUNK_DATA_CR;
			return RELAY_MORE;
		}
		if (!chunk_step(b, bytes[(*used)++]))
			return RELAY_BAD;
		if (b->state == CHUNK_DONE)
			return RELAY_DONE;
	}
	return RELAY_MORE;
}

enum relay_more relay_body_take(struct relay_body *b, const char *bytes, size_t len, size_t *used,
				struct relay_piece *data)
{
	*used = 0;
	*data = (struct relay_piece){bytes, 0};
	switch (b->framing) {
	case RELAY_NO_BODY:
		return RELAY_DONE;
	case RELAY_CHUNKED:
		return b->state == CHUNK_DONE ? RELAY_DONE : chunked_take(b, bytes, len, used, data);
	case RELAY_LENGTH:
		*used = len < b->left ? len : (size_t)b->left;
		data->len = *used;
		b->left -= *used;
		return b->left ? RELAY_MORE : RELAY_DONE;
	case RELAY_UNTIL_CLOSE:
		*used = data->len = len;
		return RELAY_MORE;
	}
	return RELAY_BAD;
}

void relay_frame_data(enum relay_framing framing, struct relay_piece data, struct str *out)
{
	if (!data.len)
		return;
	if (framing == RELAY_CHUNKED)
		str_addf(out, "%zx\r\n", data.len);
	piece_add(out, data);
	if (framing == RELAY_CHUNKED)
		str_add(out, "\r\n");
}

void relay_frame_end(enum relay_framing framing, struct str *out)
{
	if (framing == RELAY_CHUNKED)
		str_add(out, "0\r\n\r\n");
}
