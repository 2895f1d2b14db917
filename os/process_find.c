/* SPDX-License-Identifier: Apache-2.0 */
/* Where our own programs are: relative to the one that runs, so that no variable and no PATH
 * decides. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "os/error.h"
#include "os/process.h"

/* Installed: sotto and sottod in bin, the rest in libexec/sotto. The others are the build
 * folder's. */
static const char *const process_folders[] = {
	"", "/../libexec/sotto", "/../phone", "/../link", "/../voice", "/../relay",
};

const char *const os_process_names[] = {
	"sotto-launcher", "sotto-agent", "sotto-link", "sotto-voice",
	"sotto-ringer",	  "sottod",	 NULL,
};

static enum sotto_err process_folder(size_t n, char path[OS_PROCESS_PATH_LEN])
{
	ssize_t len = readlink("/proc/self/exe", path, OS_PROCESS_PATH_LEN);
	size_t room;
	char *slash;

	if (n >= ARRAY_LEN(process_folders))
		return SOTTO_ERR_NOT_FOUND;
	if (len < 0)
		return os_err_from_errno(errno);
	if (len >= OS_PROCESS_PATH_LEN)
		return SOTTO_ERR_LIMIT;
	path[len] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL)
		return SOTTO_ERR_NOT_FOUND;
	room = (size_t)(path + OS_PROCESS_PATH_LEN - slash);
	len = snprintf(slash, room, "%s", process_folders[n]);
	return (size_t)len < room ? SOTTO_OK : SOTTO_ERR_LIMIT;
}

static bool process_may_run(const struct stat *status)
{
	return S_ISREG(status->st_mode) && (status->st_uid == 0 || status->st_uid == geteuid()) &&
	       (status->st_mode & S_IWOTH) == 0;
}

enum sotto_err os_process_find(const char *name, char out[OS_PROCESS_PATH_LEN])
{
	char path[OS_PROCESS_PATH_LEN];
	enum sotto_err err;

	if (strchr(name, '/') != NULL || name[0] == '\0' || name[0] == '.')
		return SOTTO_ERR_NOT_FOUND;
	for (size_t n = 0;; n++) {
		struct stat status;
		size_t len;

		TRY(process_folder(n, path));
		len = strlen(path);
		FAIL_IF((size_t)snprintf(path + len, sizeof(path) - len, "/%s", name) >=
				sizeof(path) - len,
			SOTTO_ERR_LIMIT);
		if (stat(path, &status) != 0)
			continue;
		FAIL_IF(!process_may_run(&status), SOTTO_ERR_DENIED);
		strcpy(out, path);
		return SOTTO_OK;
	}
out:
	return err;
}
