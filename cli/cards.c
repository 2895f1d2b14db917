/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cards that a command brought, into files:
 *
 *	begin: FILE.part is opened -> each card is taken as it comes -> end: all are written, FILE.part becomes FILE
 *
 * Nobody is invited whose card could then not be written, and a file never has some of the cards.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "cli/cli.h"
#include "os/descriptor.h"

enum sotto_err cli_cards_begin(struct cli *cli)
{
	const struct cli_options *options = &cli->options;
	struct cli_cards *cards = &cli->cards;
	enum sotto_err err = SOTTO_OK;

	cards->sheet = -1;
	cards->text = -1;
	if (options->sheet == NULL && options->text == NULL)
		return SOTTO_OK;
	if (options->sheet != NULL) {
		TRY(cli_sheet_find(cli));
		TRY(cli_part_open(cli, options->sheet, &cards->sheet));
	}
	if (options->text != NULL)
		TRY(cli_part_open(cli, options->text, &cards->text));
	cards->list = json_array();
	FAIL_IF(cards->list == NULL, SOTTO_ERR_NO_MEMORY);
out:
	if (err != SOTTO_OK)
		(void)!cli_cards_end(cli, NULL);
	return err;
}

void cli_cards_take(const struct cli *cli, const json_t *object)
{
	if (cli->cards.list != NULL && json_object_get(object, "invitation") != NULL)
		json_array_append_new(cli->cards.list, json_deep_copy(object));
}

/* In the order of the list that was given: they came as each was there. */
static void sort(struct cli *cli)
{
	json_t *sorted = json_array();
	json_t *card;
	size_t at;

	for (size_t i = 0; i < cli->people.count; i++) {
		json_array_foreach(cli->cards.list, at, card)
		{
			if (strcmp(cli_text_of(card, "extension"), cli->people.list[i].extension) ==
			    0)
				json_array_append(sorted, card);
		}
	}
	if (json_array_size(sorted) == json_array_size(cli->cards.list)) {
		json_array_clear(cli->cards.list);
		json_array_extend(cli->cards.list, sorted);
	}
	json_decref(sorted);
}

static void write_card(FILE *out, const json_t *card)
{
	const char *expires = cli_text_of(card, "expires");

	cli_put_text(out, cli_text_of(card, "network"), " ");
	fprintf(out, "\n%s  ", cli_text_of(card, "extension"));
	cli_put_text(out, cli_text_of(card, "name"), " ");
	fprintf(out,
		"\nuntil %.10s %.5s UTC\n\n"
		"1  Take the device that will be your phone, and go online with it.\n"
		"2  On it: sotto join %s\n"
		"3  Keep this secret, and destroy it then: it lets one person in.\n",
		expires, strlen(expires) >= 16 ? expires + 11 : "",
		cli_text_of(card, "invitation"));
}

static bool write_cards(FILE *out, const json_t *cards)
{
	json_t *card;
	size_t at;

	json_array_foreach(cards, at, card)
	{
		if (at > 0)
			fprintf(out, "\n%s\n\n", "- - - - - - - - - - - - - - - - - - - - - - - -");
		write_card(out, card);
	}
	return !ferror(out);
}

static enum sotto_err write_text(struct cli *cli)
{
	int descriptor = dup(cli->cards.text);
	FILE *out = descriptor >= 0 ? fdopen(descriptor, "w") : NULL;
	bool written = out != NULL && write_cards(out, cli->cards.list);

	if (out != NULL && fclose(out) != 0)
		written = false;
	if (written)
		return SOTTO_OK;
	cli_fail(cli, "file", "%s: not written: %s", cli->options.text, strerror(errno));
	return SOTTO_ERR_IO;
}

static enum sotto_err write_all(struct cli *cli, const json_t *done)
{
	size_t count = json_array_size(cli->cards.list);
	enum sotto_err err = SOTTO_OK;

	if (count == 0) {
		cli_fail(cli, "not_found", "no card that this phone made is open");
		return SOTTO_ERR_NOT_FOUND;
	}
	if (cli->people.list != NULL && cli_number_of(done, "invited") != (long long)count) {
		cli_fail(cli, "failed", "the agent did not give each card once");
		return SOTTO_ERR_FORMAT;
	}
	sort(cli);
	if (cli->cards.sheet >= 0)
		TRY(cli_sheet_make(cli));
	if (cli->cards.text >= 0)
		TRY(write_text(cli));
out:
	return err;
}

/* err is what it is already, and what it is after this. */
static enum sotto_err end_file(const struct cli *cli, const char *path, int *descriptor,
			       enum sotto_err err)
{
	enum sotto_err ended = SOTTO_OK;

	if (*descriptor >= 0)
		ended = cli_part_end(cli, path, *descriptor, err == SOTTO_OK);
	*descriptor = -1;
	return err == SOTTO_OK ? ended : err;
}

enum sotto_err cli_cards_end(struct cli *cli, const json_t *done)
{
	struct cli_cards *cards = &cli->cards;
	enum sotto_err err;

	/* Other admins have to sign first: then the same command makes them. */
	if (json_object_get(done, "proposal") != NULL || json_object_get(done, "waiting") != NULL)
		done = NULL;
	err = done != NULL ? SOTTO_OK : SOTTO_ERR_CLOSED;
	if (done != NULL && cards->list != NULL) {
		cli_cards_take(cli, done);
		err = write_all(cli, done);
	}
	err = end_file(cli, cli->options.sheet, &cards->sheet, err);
	err = end_file(cli, cli->options.text, &cards->text, err);
	return done != NULL ? err : SOTTO_OK;
}
