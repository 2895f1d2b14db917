/* SPDX-License-Identifier: Apache-2.0 */
/* The cards as lines to sotto-cards, which writes the sheet: it draws, and this command does not. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "cards/cards.h"
#include "cli/cli.h"
#include "os/descriptor.h"
#include "os/process.h"

struct drawing {
	struct os_loop *loop;
	bool ended;
	bool good;
};

static void drawn(void *context, struct os_process *process, struct os_process_end end)
{
	struct drawing *drawing = context;

	drawing->ended = true;
	drawing->good = end.status == 0;
	os_process_destroy(process);
	os_loop_stop(drawing->loop);
}

static enum sotto_err find(const struct cli *cli, char path[OS_PROCESS_PATH_LEN])
{
	enum sotto_err err = os_process_find("sotto-cards", path);

	if (err != SOTTO_OK)
		cli_fail(cli, "not_found", "sotto-cards is not installed beside this command");
	return err;
}

enum sotto_err cli_sheet_find(const struct cli *cli)
{
	char path[OS_PROCESS_PATH_LEN];

	return find(cli, path);
}

/* It reads all before the sheet is whole, and what does not fit the pipe waits for it. */
static enum sotto_err write_lines(const struct cli *cli, int descriptor)
{
	enum sotto_err err = SOTTO_OK;
	json_t *card;
	size_t at;

	json_array_foreach(cli->cards.list, at, card)
	{
		char *line = json_dumps(card, JSON_COMPACT);
		size_t len = line != NULL ? strlen(line) : 0;

		if (line == NULL)
			return SOTTO_ERR_NO_MEMORY;
		line[len] = '\n'; /* instead of its end */
		err = os_descriptor_write_at(descriptor, UINT64_MAX, BYTES(line, len + 1));
		bytes_wipe(line, len + 1);
		free(line);
		if (err != SOTTO_OK)
			break;
	}
	return err;
}

static enum sotto_err start(struct cli *cli, int input, struct drawing *drawing)
{
	int descriptors[] = {input, cli->cards.sheet, STDERR_FILENO};
	char path[OS_PROCESS_PATH_LEN];
	struct os_process_spec spec = {.path = path,
				       .descriptors = descriptors,
				       .descriptors_count = ARRAY_LEN(descriptors),
				       .dies_with_us = true};
	struct os_process *process;
	enum sotto_err err;

	TRY(find(cli, path));
	err = os_process_spawn(cli->loop, &spec, drawn, drawing, &process);
	if (err != SOTTO_OK)
		cli_fail(cli, "failed", "sotto-cards does not start: %s", sotto_err_text(err));
out:
	return err;
}

enum sotto_err cli_sheet_make(struct cli *cli)
{
	struct drawing drawing = {.loop = cli->loop};
	int ends[2] = {-1, -1};
	enum sotto_err err;

	if (json_array_size(cli->cards.list) > CARDS_MAX) {
		cli_fail(cli, "limit", "a sheet has at most %d cards", CARDS_MAX);
		return SOTTO_ERR_LIMIT;
	}
	if (pipe(ends) != 0) {
		cli_fail(cli, "failed", "sotto-cards does not start: %s", strerror(errno));
		return SOTTO_ERR_IO;
	}
	TRY(start(cli, ends[0], &drawing));
	os_descriptor_close(ends[0]);
	ends[0] = -1;
	/* What it does not take, since it ended, is why it did. */
	(void)!write_lines(cli, ends[1]);
	os_descriptor_close(ends[1]);
	ends[1] = -1;
	while (!drawing.ended)
		TRY(os_loop_run(cli->loop));
	if (!drawing.good) {
		cli_fail(cli, "failed", "%s: sotto-cards made no sheet", cli->options.sheet);
		err = SOTTO_ERR_IO;
	}
out:
	os_descriptor_close(ends[0]);
	os_descriptor_close(ends[1]);
	return err;
}
