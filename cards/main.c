/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sotto-cards: cards as lines of JSON in, a sheet to print out (cards/cards.h). The command starts it.
 *
 *	harden -> fonts are looked for -> sandbox (reads fonts, writes what is open) -> lines -> sheet
 *
 * A program of its own, since it draws what people called themselves with six libraries that nobody wrote for
 * enemies: what one of them can be made to do ends with the sheet. It lives for one, is not dumpable, and what
 * was copied of an invitation goes with it.
 */
#include <fontconfig/fontconfig.h>
#include <pango/pangocairo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "cards/cards.h"
#include "cards/sheet.h"
#include "os/sandbox.h"

/* Beside what lies beneath the first. */
#define FOLDERS_MAX 32
#define SHARED	    "/usr/share" /* fonts, and what breaks lines of Thai */

static void say(const char *words)
{
	fprintf(stderr, "sotto-cards: %s\n", words);
}

/* Where this machine has fonts. Its own, not the user's: no environment leads to those. */
static void find_folders(const char *folders[FOLDERS_MAX])
{
	FcStrList *list = FcConfigGetFontDirs(NULL);
	size_t count = 0;
	const FcChar8 *path;

	folders[count++] = SHARED;
	while (list != NULL && count + 1 < FOLDERS_MAX && (path = FcStrListNext(list)) != NULL) {
		const char *text = (const char *)path;

		if (strncmp(text, SHARED "/", sizeof(SHARED)) != 0)
			folders[count++] = text;
	}
	folders[count] = NULL;
	FcStrListDone(list); /* the names are the configuration's */
}

static enum sotto_err enter_sandbox(void)
{
	const char *folders[FOLDERS_MAX];
	struct os_sandbox_options options = {.readable = folders};
	struct os_sandbox sandbox;

	if (!FcInit())
		return SOTTO_ERR_NOT_FOUND;
	find_folders(folders);
	return os_sandbox_enter(OS_PROFILE_CARDS, &options, &sandbox);
}

static enum sotto_err add_line(struct sheet *sheet, const char *line)
{
	struct card card;
	enum sotto_err err;

	if (sheet->count == CARDS_MAX)
		return SOTTO_ERR_LIMIT;
	err = card_init(&card, line, strlen(line));
	if (err != SOTTO_OK)
		return err;
	err = sheet_add(sheet, &card);
	card_finish(&card);
	return err;
}

static enum sotto_err add_all(struct sheet *sheet)
{
	static char line[CARDS_LINE_MAX + 2]; /* with its newline */
	enum sotto_err err = SOTTO_OK;

	while (err == SOTTO_OK && fgets(line, sizeof(line), stdin) != NULL)
		err = strchr(line, '\n') != NULL ? add_line(sheet, line) : SOTTO_ERR_FORMAT;
	bytes_wipe(line, sizeof(line));
	if (err == SOTTO_OK && ferror(stdin))
		err = SOTTO_ERR_IO;
	return err;
}

static enum sotto_err make_sheet(void)
{
	struct sheet sheet;
	enum sotto_err err;

	TRY(sheet_init(&sheet));
	err = add_all(&sheet);
	if (err == SOTTO_OK)
		err = sheet_end(&sheet);
	if (err == SOTTO_OK && sheet.strange > 0)
		fprintf(stderr,
			"sotto-cards: on %zu of %zu cards a name has characters that no font of "
			"this "
			"machine has (the packages fonts-noto and fonts-noto-cjk have most)\n",
			sheet.strange, sheet.count);
	sheet_finish(&sheet);
out:
	return err;
}

#ifdef SOTTO_SANITIZED
/*
 * Fontconfig does not find again all that it keeps for the life of a process. To make the libraries give back
 * what they have would not do: pango's own threads hold fonts still when a sheet ends early.
 */
#define SHOWN __attribute__((visibility("default")))
SHOWN const char *__lsan_default_suppressions(void);
SHOWN const char *__lsan_default_options(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:libfontconfig.so";
}

const char *__lsan_default_options(void)
{
	return "print_suppressions=0";
}
#endif

int main(int argc, char **argv)
{
	enum sotto_err err = os_process_harden();

	(void)argv;
	if (argc != 1) {
		say("takes no arguments (`sotto invite --sheet` starts it)");
		return 2;
	}
	if (err == SOTTO_OK)
		err = enter_sandbox();
	if (err == SOTTO_OK)
		err = make_sheet();
	if (err == SOTTO_ERR_FORMAT)
		say("a line is no card");
	else if (err == SOTTO_ERR_LIMIT)
		say("too many cards for one run, or too long an invitation");
	else if (err != SOTTO_OK)
		say(sotto_err_text(err));
	return err == SOTTO_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
