/* SPDX-License-Identifier: Apache-2.0 */
/* `join --image`: the command opens the picture, a sandboxed child reads it and gives the invitation back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/picture.h"
#include "os/isolate.h"

/* In the child. */
static enum sotto_err read_text(void *context, char *out, size_t capacity, size_t *len)
{
	char *text = NULL;
	enum sotto_err err;

	TRY(picture_text(context, PICTURE_PIXELS_MAX, &text));
	FAIL_IF(strlen(text) > capacity, SOTTO_ERR_LIMIT);
	*len = strlen(text);
	memcpy(out, text, *len);
out:
	free(text);
	return err;
}

static void say(const struct cli *cli, const char *path, enum sotto_err err)
{
	if (err == SOTTO_ERR_NOT_FOUND)
		cli_fail(cli, "not_found", "%s: no invitation in this picture", path);
	else if (err == SOTTO_ERR_FORMAT || err == SOTTO_ERR_LIMIT)
		cli_fail(cli, "file", "%s: no PNG or JPEG picture, or too large", path);
	else
		cli_fail(cli, "file", "%s: reading this picture failed: %s", path,
			 sotto_err_text(err));
}

enum sotto_err cli_image_read(const struct cli *cli, const char *path, char **text)
{
	char answer[4096]; /* an invitation has some hundreds of characters */
	FILE *file = fopen(path, "rbe");
	size_t len = 0;
	enum sotto_err err;

	if (file == NULL) {
		cli_fail(cli, "file", "%s: cannot be read", path);
		return SOTTO_ERR_IO;
	}
	err = os_isolated_run(OS_PROFILE_COMMAND, read_text, file, answer, sizeof(answer), &len);
	fclose(file);
	if (err == SOTTO_OK && memchr(answer, 0, len) != NULL)
		err = SOTTO_ERR_FORMAT;
	if (err != SOTTO_OK) {
		say(cli, path, err);
		return err;
	}
	*text = strndup(answer, len);
	return *text != NULL ? SOTTO_OK : SOTTO_ERR_NO_MEMORY;
}
