/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_UP_H
#define PLATFORM_UP_H
/*
 * Bringing folders in: `fairway up DIR`. DIR holds a service.yaml, or folders that do, and may hold platform.yaml. All
 * complaints about these files come at once. Nothing of a folder runs before a person approved its commands there.
 *
 * A run brings a list of services to environments, dependencies first, each by a deploy. The daemon's thread; files are
 * small and read at once.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "model/platform_file.h"
#include "model/service_file.h"

struct daemon;
struct up_run;
struct ups;

#define UP_SERVICES 200

struct up_service {
	char *folder; /* absolute, symbolic links resolved */
	struct service_file file;
};
struct up_folder {
	char *path; /* absolute, symbolic links resolved */
	bool has_platform_file;
	struct platform_file platform;
	struct up_service *services;
	size_t n_services;
	struct complaints complaints;
};
/* false: err says what is wrong with the folder itself, or complaints do with its files. Finish it in any case. */
bool up_folder_read(struct up_folder *, const char *path, struct err *);
void up_folder_finish(struct up_folder *);
/* One SHA-256 over what each service would run in that environment, there, and over what notifies teams. */
void up_folder_approval(const struct up_folder *, const char *environment, char hex[HASH_HEX]);
bool up_folder_is_approved(const struct daemon *, const struct up_folder *, const char *environment);
/* Keeps the approval of every part; within the transaction that was begun. */
bool up_folder_approve(struct daemon *, const struct up_folder *, const char *environment, const char *by, struct err *);
/* Keeps one approval: what the commands hash (service_file_approval()) stands for; within the transaction that was begun. */
bool up_approve(struct daemon *, const char *hash, const char *service, const char *environment, const char *folder,
                const char *by, struct err *);
/* Records services, environments (those of platform.yaml, or the one named), teams, runbooks and targets of that
 * environment. */
bool up_folder_register(struct daemon *, const struct up_folder *, const char *environment, struct err *);
/* Runbooks are derived from the services' records: at the daemon's start. */
void up_show_runbooks(struct daemon *);

struct ups *ups_new(struct daemon *);
void ups_free(struct ups *);
struct up_item {
	const char *service, *environment;
	const char *version; /* NULL: what lies there */
};
struct up_progress {
	const char *service, *environment, *deploy; /* of the item that changed */
	bool is_ended, is_good;
	const char *detail;
	size_t done, total;
};
/* Items are copied. An item waits for its dependencies in the same environment, and for earlier items of its own
 * placement. progress comes from the loop; done is the last call, err NULL when all went well. */
struct up_run *ups_start(struct ups *, const struct up_item *, size_t n, const char *by, const char *reason,
                         void (*progress)(const struct up_progress *, void *arg),
                         void (*done)(const struct err *, void *arg), void *arg);
struct deploy;
void ups_on_deploy(struct ups *, const struct deploy *);
#endif
