/* SPDX-License-Identifier: Apache-2.0 */
/* file_check FOLDER: reads service.yaml, platform.yaml and path.yaml of a folder, those that are there, and
 * prints the complaints. Status 2 when there are any, 4 when there is none of the files. */
#include <stdio.h>
#include <unistd.h>

#include "model/path_file.h"
#include "model/platform_file.h"
#include "model/service_file.h"

static bool has(const char *folder, const char *name, char path[4096])
{
	snprintf(path, 4096, "%s/%s", folder, name);
	return access(path, F_OK) == 0;
}

int main(int argc, char **argv)
{
	char path[4096];
	int n = 0;
	struct complaints complaints = {0};
	if (argc != 2)
		return 2;
	if (has(argv[1], SERVICE_FILE_NAME, path)) {
		struct service_file f;
		n++;
		if (service_file_load(&f, path, NULL, &complaints))
			service_file_finish(&f);
	}
	if (has(argv[1], PLATFORM_FILE_NAME, path)) {
		struct platform_file f;
		n++;
		if (platform_file_load(&f, path, &complaints))
			platform_file_finish(&f);
	}
	if (has(argv[1], PATH_FILE_NAME, path)) {
		struct path_file f;
		n++;
		if (path_file_load_folder(&f, argv[1], &complaints))
			path_file_finish(&f);
	}
	fputs(complaints.text ? complaints.text : "", stdout);
	int status = complaints.count ? 2 : n ? 0 : 4;
	complaints_finish(&complaints);
	return status;
}
