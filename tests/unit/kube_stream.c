/* SPDX-License-Identifier: Apache-2.0 */
/* One kind kept fresh, by scripts of the wire: whole, byte by byte, and cut once at each byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "backend/providers/kubernetes/stream.h"
#include "tests/support/fixture.h"

struct watch {
	struct kube_stream pods;
};

static void say(struct run *r, const char *text)
{
	run_log(r, &(struct log_item){.what = LINE_GAP, .text = text, .len = strlen(text)});
}

static void each(struct run *r, struct kube_stream *s, enum kube_news news, const cJSON *object,
		 const struct err *err)
{
	static const char *const words[] = {"begin", "put", "delete", "sync", "denied", "trouble", "live"};
	const char *name = json_text(json_get(object, "metadata"), "name");
	(void)s;
	if (news != KUBE_ALIVE)
		say(r, arena_printf(run_arena(r), "%s%s%s", words[news], object || err ? " " : "",
				    object ? name
				    : err  ? err->text
					   : ""));
}

static void on(void *state, struct run *r, const struct input *in)
{
	struct watch *w = state;
	if (in->kind == INPUT_START) {
		w->pods = (struct kube_stream){
			.what = KUBE_POD, .namespace = "a", .tag = 7,
					       .is_lean = true, .each = each, .selector = "app=web"};
		kube_stream_start(&w->pods, r);
	} else if (kube_stream_owns(&w->pods, in)) {
		kube_stream_on(&w->pods, r, in);
	}
}

static void finish(void *state)
{
	kube_stream_finish(&((struct watch *)state)->pods);
}

static const struct query query = {.name = "watch",
				   .serves = REQUEST_WATCH,
				   .is_standing = true,
				   .size = sizeof(struct watch),
				   .keeps_state = true,
				   .on = on,
				   .finish = finish};

#define BEGIN "provider kubernetes\nrequest watch instances\n"
#define PODS "GET /api/v1/namespaces/a/pods?labelSelector=app%3Dweb"
#define AS " as application/vnd.kubernetes.protobuf,application/json"
#define LIST "> " PODS "&limit=500" AS "\n"
#define WHOLE "> " PODS AS "\n"
#define WATCH(version)                                                                                       \
	"> " PODS "&watch=true&allowWatchBookmarks=true&timeoutSeconds=450&resourceVersion=" version "\n"
#define OK "< 200 Content-Type: application/json\n"
#define META(version) "\"metadata\":{\"resourceVersion\":\"" version "\"}"
#define POD(name, version) "{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"" version "\"}}"
#define EVENT(type, object) "<< {\"type\":\"" type "\",\"object\":" object "}\n"
#define LISTED(version)                                                                                      \
	LIST OK "<- {\"kind\":\"PodList\"," META(version) ",\"items\":[" POD(                                \
		"one", "3") "]}\n= gap begin\n"                                                              \
			    "= gap put one\n! eof\n= gap sync\n"
#define GONE                                                                                                 \
	"{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\",\"message\":\"too old resource version\"}"

static void plays(const char *script)
{
	char message[4096];
	size_t len = strlen(script);
	int bytes = fixture_bytes(script, len);
	for (int cut = -1; cut < bytes; cut++)
		if (!fixture_run_query(&query, script, len, cut, message))
			fail_msg("%s", message);
}

static void lists_then_watches(void **state)
{
	(void)state;
	plays(BEGIN LISTED("10") WATCH("10") OK EVENT("ADDED", POD("two", "11")) EVENT(
		"MODIFIED", POD("one", "12")) EVENT("DELETED", POD("two", "13")) EVENT("BOOKMARK",
										       "{" META("20") "}")
		      EVENT("NEW",
			    POD("what",
				"21")) "= gap put two\n= gap put one\n= gap delete two\n! eof\n" WATCH("21"));
}

/* The second page is asked for while the first one still comes. */
static void reads_pages(void **state)
{
	(void)state;
	plays(BEGIN LIST OK
	      "<- {\"metadata\":{\"resourceVersion\":\"10\",\"continue\":\"a b\"},\"items\":[" POD(
		      "one",
		      "1") ","
			   "\n= gap begin\n= gap put one\n"
			   "> " PODS "&limit=2000&continue=a%20b" AS "\n" OK
			   "<- {\"metadata\":{\"resourceVersion\":\"10\",\"continue\":\"c\"},\"items\":[" POD(
				   "three", "3") ","
						 "\n= gap put three\n> nothing\n"
						 "@ " PODS "&limit=500\n<- " POD(
							 "two",
							 "2") "]}\n= gap put two\n! eof\n"
							      "> " PODS "&limit=2000&continue=c" AS "\n" OK
							      "<- "
							      "{\"metadata\":{\"resourceVersion\":\"10\"},"
							      "\"items\":[]}\n! eof\n"
							      "> nothing\n"
							      "@ " PODS "&limit=2000&continue=a\n<- " POD(
								      "four",
								      "4") "]}\n= gap put four\n! eof\n= gap "
									   "sync\n" WATCH("10"));
}

/* A token that expired: one list without pages, which is one snapshot. */
static void lists_whole_when_pages_expire(void **state)
{
	(void)state;
	plays(BEGIN LIST OK
	      "<- {\"metadata\":{\"resourceVersion\":\"10\",\"continue\":\"x\"},\"items\":[" POD(
		      "one",
		      "1") "]}\n= gap begin\n"
			   "= gap put one\n! eof\n"
			   "> " PODS "&limit=2000&continue=x" AS "\n< 410 Content-Type: application/json\n<- " GONE
			   "\n! eof\n" WHOLE OK "<- {" META("30") ",\"items\":[" POD(
				   "one",
				   "1") "]}\n= gap begin\n= gap put one\n! eof\n= gap sync\n" WATCH("30"));
}

static void lists_again_when_the_version_is_gone(void **state)
{
	(void)state;
	plays(BEGIN LISTED("10")
		      WATCH("10") "< 410 Content-Type: application/json\n<- " GONE "\n! eof\n" LISTED("20")
			      WATCH("20") OK EVENT("ADDED", POD("two", "21"))
				      EVENT("ERROR", GONE) "= gap put two\n! gone\n" LISTED("30") WATCH("30")
	      /* once more, without a watch that held: not round and round */
	      OK EVENT("ERROR", GONE) "! gone\n> nothing\n+ 5s\n" LISTED("40") WATCH("40"));
}

static void goes_on_after_an_end(void **state)
{
	(void)state;
	plays(BEGIN LISTED("10") WATCH("10") OK "+ 5m\n! eof\n" WATCH("10") OK
	      "! eof\n> nothing\n+ 800ms\n" WATCH("10") OK
	      "! eof\n= gap trouble the server ends the watch of pods at once\n> nothing\n+ 1600ms\n" WATCH(
		      "10") OK
	      "+ 1s\n= gap live\n" EVENT(
		      "BOOKMARK", "{" META("20") "}") "! reset\n= gap trouble the connection was reset\n"
						      "> nothing\n+ 800ms\n" WATCH("20") OK EVENT(
							      "BOOKMARK", "{" META("21") "}") "= gap live\n");
}

static void backs_off(void **state)
{
	(void)state;
	plays(BEGIN LIST
	      "! refused\n= gap trouble api.sock: Connection refused\n> nothing\n+ 800ms\n" LIST
	      "< 503 Content-Type: text/plain; Retry-After: 7\n<- busy\n! eof\n"
	      "= gap trouble kubernetes answers with status 503, and not as a Kubernetes API server\n+ 6s\n> "
	      "nothing\n+ 1s\n" LIST "< 500 Content-Type: application/json\n<- "
				     "{\"kind\":\"Status\",\"message\":\"etcd has no leader\"}\n! eof\n"
	      "= gap trouble etcd has no leader\n+ 3100ms\n> nothing\n+ 100ms\n" LISTED(
		      "10") "= gap live\n" WATCH("10") OK EVENT("ADDED", POD("two", "11")) "= gap put two\n");
}

static void rests_when_denied(void **state)
{
	(void)state;
	plays(BEGIN LIST "< 403 Content-Type: application/json\n<- {\"kind\":\"Status\",\"message\":\"pods "
			 "is forbidden\"}\n! eof\n"
			 "= gap denied not allowed: pods is forbidden\n+ 10m\n> nothing\n");
	plays(BEGIN LIST "< 404 Content-Type: text/plain\n<- 404 page not found\n! eof\n"
			 "= gap denied kubernetes answers with status 404, and not as a Kubernetes API "
			 "server\n+ 10m\n> nothing\n");
	/* May be listed, not watched: it is looked at now and then. */
	plays(BEGIN LISTED("10") WATCH("10") "< 403 Content-Type: application/json\n<- {}\n! eof\n" LISTED(
		"11") WATCH("11") "< 403 Content-Type: application/json\n<- {}\n! eof\n+ 29s\n> nothing\n+ "
				  "1s\n" LISTED("12"));
}

static void bears_garbage(void **state)
{
	(void)state;
	plays(BEGIN LIST "< 200 Content-Type: text/html; charset=utf-8\n= gap trouble the answer is "
			 "text/html, not JSON: a login page "
			 "or a proxy stands before the cluster\n! gone\n");
	plays(BEGIN LIST OK "<- {\"a\":[]}\n= gap begin\n! eof\n= gap trouble pods cannot be read: this is "
			    "no list of objects\n");
	plays(BEGIN LISTED("10") WATCH("10") OK EVENT(
		"ADDED", POD("two", "11")) "<< {\"type\":\n= gap put two\n"
					   "= gap trouble pods cannot be read: JSON: not well-formed near "
					   "offset 7 of 8\n! gone\n+ 800ms\n" WATCH("11") OK
	      "<< {}\n= gap trouble pods cannot be read: a line that is no event\n! gone\n+ 1600ms\n" LISTED(
		      "20") "= gap live\n");
	/* A list that breaks off is no list: nothing is watched from its version. */
	plays(BEGIN LIST OK "<- {" META("10") ",\"items\":[" POD(
		"one", "1") ",\n= gap begin\n= gap put one\n! reset\n"
			    "= gap trouble the connection was reset\n+ 1s\n" LISTED("11") "= gap live\n");
	plays(BEGIN LISTED("10") WATCH("10") OK "<< "
						"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":"
						"\"a\\\\u0000b\",\"resourceVersion\":\"11\"}}}\n"
						"= gap put a\xef\xbf\xbd"
						"b\n");
}

static void starts_over_when_the_server_is_behind(void **state)
{
	(void)state;
	plays(BEGIN LISTED("10") WATCH("10") "< 504 Content-Type: application/json\n"
					     "<- "
					     "{\"kind\":\"Status\",\"reason\":\"Timeout\",\"details\":{"
					     "\"causes\":[{\"reason\":\"ResourceVersionTooLarge\"}]}}\n"
					     "! eof\n" LISTED("8"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_then_watches),
		cmocka_unit_test(reads_pages),
		cmocka_unit_test(lists_whole_when_pages_expire),
		cmocka_unit_test(lists_again_when_the_version_is_gone),
		cmocka_unit_test(goes_on_after_an_end),
		cmocka_unit_test(backs_off),
		cmocka_unit_test(rests_when_denied),
		cmocka_unit_test(bears_garbage),
		cmocka_unit_test(starts_over_when_the_server_is_behind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
