/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deploys over a real state, place and loop, in a world whose fleet and relay are told by the test how they
 * are. The fleet_ and routes_ functions here take the place of those of the library.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "platform/build.h"
#include "platform/daemon.h"
#include "platform/deploy.h"
#include "platform/fleet.h"
#include "platform/operate.h"
#include "platform/own.h"
#include "platform/place.h"
#include "platform/reactor.h"
#include "platform/release.h"
#include "platform/routes.h"
#include "platform/state.h"

enum { RELEASES = 4, DEADLINE_MS = 5000 };

struct fleet { /* by release number */
	struct fleet_count counts[RELEASES];
	struct own_target target;
	fleet_changed *changed;
	void *arg;
	bool becomes_ready[RELEASES]; /* as soon as it is wanted */
};
struct routes {
	bool is_in_force;
};
struct bench {
	char dir[40];
	struct place place;
	struct daemon daemon;
	struct fleet fleet;
	struct routes routes;
};

bool fleet_on_change(struct fleet *f, fleet_changed *changed, void *arg)
{
	f->changed = changed;
	f->arg = arg;
	return true;
}

const struct own_target *fleet_target(const struct fleet *f, const char *service, const char *environment)
{
	(void)service;
	(void)environment;
	return &f->target;
}

bool fleet_want(struct fleet *f, const char *service, const char *environment, int64_t release, int count,
		struct err *err)
{
	struct fleet_count *c = &f->counts[release];
	(void)service;
	(void)environment;
	(void)err;
	c->wanted = c->alive = count;
	if (f->becomes_ready[release])
		c->ready = count;
	return true;
}

bool fleet_end(struct fleet *f, const char *service, const char *environment, int64_t release,
	       struct err *err)
{
	(void)service;
	(void)environment;
	(void)err;
	f->counts[release] = (struct fleet_count){0};
	return true;
}

bool fleet_serve(struct fleet *f, const char *service, const char *environment, int64_t release, int count,
		 const char *by, struct err *err)
{
	(void)service;
	(void)environment;
	(void)by;
	(void)err;
	f->target.release = release;
	f->target.desired = count;
	return true;
}

bool fleet_rollout(struct fleet *f, const char *service, const char *environment, int64_t to_release,
		   int to_desired, struct err *err)
{
	(void)service;
	(void)environment;
	(void)to_desired;
	(void)err;
	f->target.to_release = to_release;
	return true;
}

void fleet_count(const struct fleet *f, const char *service, const char *environment, int64_t release,
		 struct fleet_count *out)
{
	(void)service;
	(void)environment;
	*out = f->counts[release];
}

size_t fleet_ports(const struct fleet *f, const char *service, const char *environment, int64_t release,
		   uint16_t *ports, size_t room)
{
	(void)f;
	(void)service;
	(void)environment;
	(void)release;
	(void)ports;
	(void)room;
	return 0;
}

bool routes_on_change(struct routes *r, void (*changed)(void *arg), void *arg)
{
	(void)r;
	(void)changed;
	(void)arg;
	return true;
}

bool routes_is_in_force(const struct routes *r)
{
	return r->is_in_force;
}

int routes_draining(const struct routes *r, const uint16_t *backends, size_t count)
{
	(void)backends;
	(void)count;
	return r->is_in_force ? 0 : -1;
}

void operate_on_deploy(struct operate *o, const struct deploy *d, enum err_kind failure)
{
	(void)failure;
	(void)o;
	(void)d;
}

/* A kept release whose service.yaml asks for two instances and a watch time. */
static void release_add(struct bench *b, int64_t number, const char *version, const char *watch)
{
	struct release r;
	char *folder = place_path(&b->place, "releases/shop/%lld", (long long)number), path[200], text[128];
	snprintf(path, sizeof(path), "%s/releases/shop", b->place.root);
	mkdir(path, 0700);
	assert_int_equal(mkdir(folder, 0700), 0);
	snprintf(path, sizeof(path), "%s/service.yaml", folder);
	snprintf(text, sizeof(text),
		 "name: shop\nrun: ./run.sh\nport: 8080\nscaling:\n  min_replicas: 2\nwatch: %s\n", watch);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0 && file_write_all(fd, text, strlen(text)));
	close(fd);
	struct service_file file;
	struct complaints complaints = {0};
	struct own_approval a;
	char hash[HASH_HEX];
	assert_true(service_file_load(&file, path, NULL, &complaints));
	service_file_approval(&file, "prod", "/src/shop", hash);
	service_file_finish(&file);
	record_init(own_class(OWN_APPROVAL), &a);
	a.hash = hash;
	assert_true(state_put(b->daemon.state, own_class(OWN_APPROVAL), &a, NULL));
	record_init(record_class(RECORD_RELEASE), &r);
	r.service = "shop";
	r.version = version;
	r.number = number;
	assert_true(state_put(b->daemon.state, record_class(RECORD_RELEASE), &r, NULL));
	free(folder);
}

static int setup(void **state)
{
	struct bench *b = mem_alloc(sizeof(*b));
	char root[64];
	struct err err;
	struct service s;
	snprintf(b->dir, sizeof(b->dir), "/tmp/fairway-deploy-XXXXXX");
	if (!mkdtemp(b->dir))
		return -1;
	snprintf(root, sizeof(root), "%s/state", b->dir);
	assert_true(place_open(&b->place, root, &err));
	b->daemon.place = &b->place;
	b->daemon.fleet = &b->fleet;
	b->daemon.routes = &b->routes;
	b->daemon.reactor = reactor_new(&err);
	b->daemon.state = state_open(root, own_classes, &err);
	b->daemon.releases = releases_new(&b->daemon, &err);
	b->daemon.deploys = deploys_new(&b->daemon, &err);
	record_init(record_class(RECORD_SERVICE), &s);
	s.name = "shop";
	s.folder = "/src/shop";
	assert_true(state_put(b->daemon.state, record_class(RECORD_SERVICE), &s, NULL));
	release_add(b, 1, "1.0", "50ms");
	release_add(b, 2, "2.0", "50ms");
	release_add(b, 3, "3.0", "1h");
	b->fleet.target =
		(struct own_target){.release = 1, .desired = 2, .port = 8080, .to_release = RECORD_NONE};
	b->fleet.counts[1] = (struct fleet_count){.wanted = 2, .alive = 2, .ready = 2};
	b->fleet.becomes_ready[1] = b->fleet.becomes_ready[2] = b->fleet.becomes_ready[3] = true;
	b->routes.is_in_force = true;
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	deploys_free(b->daemon.deploys);
	releases_free(b->daemon.releases);
	state_close(b->daemon.state);
	reactor_free(b->daemon.reactor);
	place_close(&b->place);
	bool is_removed = build_remove(b->dir, NULL);
	free(b);
	return !is_removed;
}

static const struct deploy *begin(struct bench *b, const char *kind, int64_t release, struct err *err)
{
	struct deploy_wish w = {.kind = kind,
				.service = "shop",
				.environment = "prod",
				.release = release,
				.by = "ada",
				.watch_ms = RECORD_NONE};
	return deploy_begin(b->daemon.deploys, &w, err);
}

static const struct deploy *deploy_at(const struct bench *b, const char *id)
{
	return state_get(b->daemon.state, record_class(RECORD_DEPLOY), id);
}

static const struct step *step_at(const struct deploy *d, size_t at)
{
	assert_true(at < d->steps.n);
	return (const struct step *)d->steps.items + at;
}

static void tell(struct bench *b)
{
	b->fleet.changed("shop", "prod", b->fleet.arg);
}

static const struct deploy *turn_until_over(struct bench *b, const char *id)
{
	for (int64_t until = clock_mono_ms() + DEADLINE_MS; deploy_at(b, id)->state == DEPLOY_RUNNING;) {
		if (clock_mono_ms() > until)
			fail_msg("deploy %s does not end", id);
		tell(b); /* as the fleet does when instances come and go */
		reactor_turn(b->daemon.reactor, 20);
	}
	return deploy_at(b, id);
}

static void turn_until_step(struct bench *b, const char *id, size_t step)
{
	for (int64_t until = clock_mono_ms() + DEADLINE_MS;
	     step_at(deploy_at(b, id), step)->state != STEP_RUNNING;) {
		if (clock_mono_ms() > until)
			fail_msg("deploy %s does not come to step %zu", id, step);
		tell(b); /* as the fleet does when instances come and go */
		reactor_turn(b->daemon.reactor, 20);
	}
}

static void succeeds(void **state)
{
	struct bench *b = *state;
	const struct deploy *d = begin(b, "deploy", 2, NULL);
	assert_non_null(d);
	assert_string_equal(d->from, "1.0");
	char id[32];
	str_copy(id, sizeof(id), d->id);
	d = turn_until_over(b, id);
	assert_int_equal(d->state, DEPLOY_SUCCEEDED);
	assert_int_equal(step_at(d, 0)->state, STEP_SKIPPED);
	for (size_t i = 1; i < 6; i++)
		assert_int_equal(step_at(d, i)->state, STEP_DONE);
	assert_int_equal(b->fleet.target.release, 2);
	assert_int_equal(b->fleet.target.desired, 2);
	assert_int_equal(b->fleet.target.to_release, RECORD_NONE);
	assert_int_equal(b->fleet.counts[1].alive, 0); /* the old ones were ended */
	assert_int_equal(state_count(b->daemon.state, own_class(OWN_ROLLOUT)), 0);
}

static void failing_before_cut_over(void **state)
{
	struct bench *b = *state;
	char id[32];
	b->fleet.becomes_ready[2] = false;
	str_copy(id, sizeof(id), begin(b, "deploy", 2, NULL)->id);
	turn_until_step(b, id, 2);
	b->fleet.counts[2].failing = 1;
	str_copy(b->fleet.counts[2].reason, sizeof(b->fleet.counts[2].reason),
		 "shop-prod-3: exited with status 1");
	tell(b);
	const struct deploy *d = turn_until_over(b, id);
	assert_int_equal(d->state, DEPLOY_FAILED);
	assert_string_equal(d->detail, "shop-prod-3: exited with status 1; 1.0 goes on serving");
	assert_int_equal(b->fleet.target.release, 1);
	assert_int_equal(b->fleet.counts[1].ready, 2);
	assert_int_equal(b->fleet.counts[2].alive, 0);
	assert_true(release_get(b->daemon.releases, "shop", 2)->is_bad);
	struct err err;
	assert_null(begin(b, "deploy", 2, &err)); /* bad holds */
	assert_int_equal(err.kind, ERR_REFUSED);
}

static void failing_in_watch_comes_back(void **state)
{
	struct bench *b = *state;
	char id[32];
	str_copy(id, sizeof(id), begin(b, "deploy", 3, NULL)->id);
	turn_until_step(b, id, 5);
	assert_int_equal(b->fleet.target.release, 3);
	b->fleet.counts[3].failing = 1;
	b->fleet.counts[3].ready = 0;
	str_copy(b->fleet.counts[3].reason, sizeof(b->fleet.counts[3].reason), "it crashed");
	tell(b);
	const struct deploy *d = turn_until_over(b, id);
	assert_int_equal(d->state, DEPLOY_ROLLED_BACK);
	assert_string_equal(d->detail, "it crashed");
	assert_int_equal(d->steps.n, 7);
	assert_int_equal(step_at(d, 5)->state, STEP_FAILED);
	assert_int_equal(step_at(d, 6)->state, STEP_DONE);
	assert_int_equal(b->fleet.target.release, 1);
	assert_int_equal(b->fleet.counts[1].ready, 2);
	assert_int_equal(b->fleet.counts[3].alive, 0);
	assert_true(release_get(b->daemon.releases, "shop", 3)->is_bad);
}

/* The daemon dies in every step, after what it was waiting for; the next one ends the deploy. */
static void taken_up_again(void **state)
{
	struct bench *b = *state;
	for (size_t step = 1; step < 6; step++) {
		char id[32];
		int64_t to = step % 2 ? 2 : 1;
		b->fleet.becomes_ready[to] = step != 2;
		b->routes.is_in_force = step != 3 && step != 4;
		str_copy(id, sizeof(id), begin(b, "deploy", to, NULL)->id);
		if (step > 1)
			turn_until_step(b, id, step == 4 ? 3 : step);
		deploys_free(b->daemon.deploys);
		b->daemon.deploys = deploys_new(&b->daemon, NULL);
		b->fleet.becomes_ready[to] = b->routes.is_in_force = true;
		assert_true(deploys_resume(b->daemon.deploys, NULL));
		assert_int_equal(turn_until_over(b, id)->state, DEPLOY_SUCCEEDED);
		assert_int_equal(b->fleet.target.release, to);
		assert_int_equal(b->fleet.counts[to == 1 ? 2 : 1].alive, 0);
	}
}

static void one_at_a_time_but_for_a_rollback(void **state)
{
	struct bench *b = *state;
	struct err err;
	char id[32], back[32];
	str_copy(id, sizeof(id), begin(b, "deploy", 3, NULL)->id);
	assert_null(begin(b, "deploy", 2, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	turn_until_step(b, id, 5);
	assert_null(begin(b, "deploy", 2, &err)); /* still watched */
	assert_false(deploy_cancel(b->daemon.deploys, "shop", "prod", "ada", &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	str_copy(back, sizeof(back), begin(b, "rollback", 1, NULL)->id);
	assert_int_equal(deploy_at(b, id)->state, DEPLOY_ROLLED_BACK);
	assert_string_equal(deploy_at(b, id)->detail, "rolled back by ada");
	assert_int_equal(turn_until_over(b, back)->state, DEPLOY_SUCCEEDED);
	assert_int_equal(b->fleet.target.release, 1);
	assert_true(release_get(b->daemon.releases, "shop", 3)->is_bad); /* what was abandoned */
	assert_false(release_get(b->daemon.releases, "shop", 1)->is_bad);
}

static void cancelled(void **state)
{
	struct bench *b = *state;
	struct err err;
	char id[32];
	assert_false(deploy_cancel(b->daemon.deploys, "shop", "prod", "ada", &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	b->fleet.becomes_ready[2] = false;
	str_copy(id, sizeof(id), begin(b, "deploy", 2, NULL)->id);
	turn_until_step(b, id, 2);
	assert_true(deploy_cancel(b->daemon.deploys, "shop", "prod", "ada", &err));
	assert_int_equal(deploy_at(b, id)->state, DEPLOY_CANCELLED);
	assert_int_equal(b->fleet.counts[2].alive, 0);
	assert_int_equal(b->fleet.target.release, 1);
	assert_null(deploy_under_way(b->daemon.deploys, "shop", "prod"));
	assert_false(release_get(b->daemon.releases, "shop", 2)->is_bad);
}

#define DEPLOY_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DEPLOY_TEST(succeeds),
		DEPLOY_TEST(failing_before_cut_over),
		DEPLOY_TEST(failing_in_watch_comes_back),
		DEPLOY_TEST(taken_up_again),
		DEPLOY_TEST(one_at_a_time_but_for_a_rollback),
		DEPLOY_TEST(cancelled),
	};
	return cmocka_run_group_tests_name("deploy", tests, NULL, NULL);
}
