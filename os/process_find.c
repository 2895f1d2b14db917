/* SPDX-License-Identifier: Apache-2.0 */
/* Where our own programs are: relative to the one that runs, so that no variable and no PATH decides. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "os/error.h"
#include "os/process.h"

/* Installed: sotto and sottod in bin, the rest in libexec/sotto. The others are the build folder's. */
static const char *const process_folders[] = {
	"", "/../libexec/sotto", "/../phone", "/../link", "/../voice", "/../relay",
};

enum sotto_err os_process_folder(size_t n, char path[OS_PROCESS_PATH_LEN])
{
	char own[OS_PROCESS_PATH_LEN];
	ssize_t len = readlink("/proc/self/exe", own, sizeof(own));
	char *slash;

	if (n >= ARRAY_LEN(process_folders))
		return SOTTO_ERR_NOT_FOUND;
	if (len < 0)
		return os_err_from_errno(errno);
	if ((size_t)len >= sizeof(own))
		return SOTTO_ERR_LIMIT;
	own[len] = '\0';
	slash = strrchr(own, '/');
	if (slash == NULL)
		return SOTTO_ERR_NOT_FOUND;
	*slash = '\0';
	len = snprintf(path, OS_PROCESS_PATH_LEN, "%s%s", own, process_folders[n]);
	return len < OS_PROCESS_PATH_LEN ? SOTTO_OK : SOTTO_ERR_LIMIT;
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

		TRY(os_process_folder(n, path));
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
