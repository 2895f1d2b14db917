/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that do not stand on the command line: from standard input, and an export into a file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/allocator.h"
#include "base/utf8.h"
#include "cli/cli.h"
#include "os/descriptor.h"
#include "talk/schema.h"

enum sotto_err cli_text_set(const struct cli *cli, json_t *request, const char *name,
			    const char *given)
{
	size_t capacity = TALK_TEXT_MAX + 2; /* one too many is seen, and so is its last newline */
	enum sotto_err err = SOTTO_OK;
	json_t *value;
	char *text;
	size_t len;

	if (strcmp(given, "-") != 0) {
		/* NULL for what is not UTF-8: the agent then says what is missing. */
		value = json_string(given);
		if (value != NULL)
			json_object_set_new(request, name, value);
		return SOTTO_OK;
	}
	text = malloc(capacity);
	if (text == NULL)
		return SOTTO_ERR_NO_MEMORY;
	len = fread(text, 1, capacity, stdin);
	if (len > 0 && text[len - 1] == '\n')
		len--;
	if (ferror(stdin)) {
		cli_fail(cli, "file", "standard input cannot be read: %s", strerror(errno));
		err = SOTTO_ERR_IO;
	} else if (len > TALK_TEXT_MAX) {
		cli_fail(cli, "limit", "a message has at most %d bytes", TALK_TEXT_MAX);
		err = SOTTO_ERR_LIMIT;
	} else if (len == 0 || memchr(text, '\0', len) != NULL || !utf8_valid(BYTES(text, len))) {
		cli_fail(cli, "usage", "standard input has to be UTF-8 and not empty");
		err = SOTTO_ERR_ARGUMENT;
	} else {
		json_object_set_new(request, name, json_stringn(text, len));
	}
	bytes_wipe(text, capacity);
	free(text);
	return err;
}

/* Beside the file, so that it comes to its place whole. */
static int beside(const char *path, char *out, size_t room)
{
	int len = snprintf(out, room, "%s.part", path);

	return len > 0 && (size_t)len < room ? 0 : -1;
}

enum sotto_err cli_output_begin(const struct cli *cli, const char *path, int *before)
{
	char part[CLI_PATH_LEN];
	int descriptor = -1;
	enum sotto_err err;

	*before = -1;
	FAIL_IF(beside(path, part, sizeof(part)) != 0, SOTTO_ERR_LIMIT);
	/* What an export that was stopped has left may have another mode. */
	(void)unlink(part);
	TRY(os_descriptor_open_write(part, &descriptor));
	fflush(stdout);
	*before = dup(STDOUT_FILENO);
	FAIL_IF(*before < 0 || dup2(descriptor, STDOUT_FILENO) < 0, SOTTO_ERR_IO);
out:
	os_descriptor_close(descriptor);
	if (err != SOTTO_OK)
		cli_fail(cli, "file", "%s: %s", path, sotto_err_text(err));
	return err;
}

enum sotto_err cli_output_end(const struct cli *cli, const char *path, int before, bool whole)
{
	char part[CLI_PATH_LEN];
	bool written = fflush(stdout) == 0 && !ferror(stdout) && fsync(STDOUT_FILENO) == 0;
	enum sotto_err err = SOTTO_OK;

	if (dup2(before, STDOUT_FILENO) < 0)
		err = SOTTO_ERR_IO;
	clearerr(stdout);
	os_descriptor_close(before);
	if (err == SOTTO_OK && beside(path, part, sizeof(part)) != 0)
		err = SOTTO_ERR_LIMIT;
	if (err == SOTTO_OK && whole && written && rename(part, path) == 0)
		return SOTTO_OK;
	if (err == SOTTO_OK)
		(void)unlink(part);
	if (whole)
		cli_fail(cli, "file", "%s: not written: %s", path, strerror(errno));
	return SOTTO_ERR_IO;
}
