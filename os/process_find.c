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
	"", "/../libexec/sotto", "/../phone", "/../link", "/../voice", "/../relay", "/../cards",
};

const char *const os_process_names[] = {
	"sotto-launcher", "sotto-agent", "sotto-link", "sotto-voice",
	"sotto-ringer",	  "sottod",	 NULL,
};

/* The program that runs; where its own folder ends. */
static enum sotto_err process_own(char path[OS_PROCESS_PATH_LEN], char **slash)
{
	ssize_t len = readlink("/proc/self/exe", path, OS_PROCESS_PATH_LEN);

	if (len < 0)
		return os_err_from_errno(errno);
	if (len >= OS_PROCESS_PATH_LEN)
		return SOTTO_ERR_LIMIT;
	path[len] = '\0';
	*slash = strrchr(path, '/');
	return *slash != NULL ? SOTTO_OK : SOTTO_ERR_NOT_FOUND;
}

static enum sotto_err process_folder(size_t n, char path[OS_PROCESS_PATH_LEN])
{
	enum sotto_err err;
	size_t room;
	char *slash;
	int len;

	FAIL_IF(n >= ARRAY_LEN(process_folders), SOTTO_ERR_NOT_FOUND);
	TRY(process_own(path, &slash));
	room = (size_t)(path + OS_PROCESS_PATH_LEN - slash);
	len = snprintf(slash, room, "%s", process_folders[n]);
	FAIL_IF((size_t)len >= room, SOTTO_ERR_LIMIT);
out:
	return err;
}

enum sotto_err os_process_prefix(char out[OS_PROCESS_PATH_LEN])
{
	static const char *const folders[] = {"/bin", "/libexec/sotto"};
	char path[OS_PROCESS_PATH_LEN];
	enum sotto_err err;
	char *end;

	TRY(process_own(path, &end));
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		size_t len = strlen(folders[i]);

		if ((size_t)(end - path) <= len || memcmp(end - len, folders[i], len) != 0)
			continue;
		end[-(ptrdiff_t)len] = '\0';
		strcpy(out, path);
		return SOTTO_OK;
	}
	err = SOTTO_ERR_NOT_FOUND;
out:
	return err;
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
