/* SPDX-License-Identifier: Apache-2.0 */
/* service_file_check FILE…: reads each as service.yaml, prints every complaint; checks that the runbooks named
 * are there. Exit 1 when anything is wrong. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "model/service_file.h"

static bool check_runbook(const char *file, const char *runbook)
{
	struct str path = {0};
	const char *slash = strrchr(file, '/');
	str_addn(&path, file, slash ? (size_t)(slash + 1 - file) : 0);
	str_add(&path, runbook);
	bool is_there = access(str_text(&path), R_OK) == 0;
	if (!is_there)
		fprintf(stderr, "%s: runbook \"%s\" is not there\n", file, runbook);
	str_finish(&path);
	return is_there;
}

static bool check_file(const char *file)
{
	struct service_file service;
	struct complaints complaints = {0};
	struct err err;
	if (!service_file_load(&service, file, NULL, &complaints)) {
		fprintf(stderr, "%s", complaints.text);
		complaints_finish(&complaints);
		return false;
	}
	bool is_good = true;
	if (!service_file_can_run(&service, &err)) {
		fprintf(stderr, "%s: %s\n", file, err.text);
		is_good = false;
	}
	for (size_t i = 0; i < service.n_alerts; i++) {
		const char *runbook = service_file_runbook(&service, service.alerts[i].name);
		if (runbook && !check_runbook(file, runbook))
			is_good = false;
	}
	service_file_finish(&service);
	complaints_finish(&complaints);
	return is_good;
}

int main(int argc, char **argv)
{
	bool is_good = argc > 1;
	for (int i = 1; i < argc; i++)
		is_good &= check_file(argv[i]);
	return is_good ? 0 : 1;
}
