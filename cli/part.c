/* SPDX-License-Identifier: Apache-2.0 */
/* A file that comes to its place whole, or not at all: beside it until then, as FILE.part. For its user alone. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "os/descriptor.h"

static bool beside(const char *path, char *out, size_t room)
{
	int len = snprintf(out, room, "%s.part", path);

	return len > 0 && (size_t)len < room;
}

enum sotto_err cli_part_open(const struct cli *cli, const char *path, int *descriptor)
{
	char part[CLI_PATH_LEN];
	enum sotto_err err;

	FAIL_IF(!beside(path, part, sizeof(part)), SOTTO_ERR_LIMIT);
	/* What one that was stopped has left may have another mode. */
	(void)unlink(part);
	TRY(os_descriptor_open_write(part, descriptor));
out:
	if (err != SOTTO_OK)
		cli_fail(cli, "file", "%s: %s", path, sotto_err_text(err));
	return err;
}

enum sotto_err cli_part_end(const struct cli *cli, const char *path, int descriptor, bool whole)
{
	char part[CLI_PATH_LEN];
	bool written = !whole || fsync(descriptor) == 0;
	int why = errno;

	os_descriptor_close(descriptor);
	if (!beside(path, part, sizeof(part)))
		return SOTTO_ERR_LIMIT;
	if (whole && written && rename(part, path) == 0)
		return SOTTO_OK;
	if (written)
		why = errno;
	(void)unlink(part);
	if (whole)
		cli_fail(cli, "file", "%s: not written: %s", path, strerror(why));
	return SOTTO_ERR_IO;
}

enum sotto_err cli_output_begin(const struct cli *cli, const char *path, int *before)
{
	int descriptor = -1;
	enum sotto_err err;

	*before = -1;
	TRY(cli_part_open(cli, path, &descriptor));
	fflush(stdout);
	*before = dup(STDOUT_FILENO);
	if (*before < 0 || dup2(descriptor, STDOUT_FILENO) < 0) {
		cli_fail(cli, "file", "%s: %s", path, strerror(errno));
		err = SOTTO_ERR_IO;
	}
out:
	os_descriptor_close(descriptor);
	return err;
}

enum sotto_err cli_output_end(const struct cli *cli, const char *path, int before, bool whole)
{
	bool written = fflush(stdout) == 0 && !ferror(stdout);
	int why = errno;
	int descriptor = dup(STDOUT_FILENO);

	if (dup2(before, STDOUT_FILENO) < 0)
		written = false;
	clearerr(stdout);
	os_descriptor_close(before);
	if (whole && !written)
		cli_fail(cli, "file", "%s: not written: %s", path, strerror(why));
	return cli_part_end(cli, path, descriptor, whole && written);
}
