/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench/json.h"

/* Where meson has not been: the file's folder, one level. */
FILE *bench_json_open(const char *path)
{
	const char *slash = strrchr(path, '/');
	FILE *json;

	if (slash != NULL && slash != path) {
		char *folder = strndup(path, (size_t)(slash - path));

		if (folder == NULL || (mkdir(folder, 0777) != 0 && errno != EEXIST))
			perror(path);
		free(folder);
	}
	json = fopen(path, "w");
	if (json == NULL) {
		perror(path);
		exit(1);
	}
	(void)fputs("{\"results\": [", json);
	return json;
}
