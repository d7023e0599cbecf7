/* SPDX-License-Identifier: Apache-2.0 */
/* path_render PATH TARGET [PARAMETER=VALUE]…: makes a new folder from a carried golden path. Status 2 when an
 * answer is wrong, 3 when the folder exists. */
#include <stdio.h>
#include <string.h>

#include "model/path_file.h"

#define MAX_ANSWERS 40

int main(int argc, char **argv)
{
	struct path_file f;
	struct tree tree = {0};
	struct path_answer answers[MAX_ANSWERS];
	struct complaints complaints = {0};
	struct err err = {0};
	size_t n = 0;
	if (argc < 3 || argc > MAX_ANSWERS + 3)
		return 2;
	for (int i = 3; i < argc; i++) {
		char *equals = strchr(argv[i], '=');
		if (!equals)
			return 2;
		*equals = '\0';
		answers[n++] = (struct path_answer){argv[i], equals + 1};
	}
	bool good = path_file_load_carried(&f, argv[1], &complaints) &&
		    path_file_check(&f, answers, n, &complaints);
	good = good && path_file_render(&f, answers, n, &tree, &err) && tree_create(&tree, argv[2], &err);
	if (!good)
		fprintf(stderr, "%s%s\n", complaints.text ? complaints.text : "", err.text);
	int status = good ? 0 : complaints.count ? 2 : err_exit_status(err.kind);
	tree_finish(&tree);
	path_file_finish(&f);
	complaints_finish(&complaints);
	return status;
}
