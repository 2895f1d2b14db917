/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that do not stand on the command line but come from standard input. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/allocator.h"
#include "base/utf8.h"
#include "cli/cli.h"
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
