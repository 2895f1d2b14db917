/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of sottod. */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "os/address.h"
#include "relay/sottod.h"
#include "wire/relay_name.h"

static const char usage[] =
	"usage: sottod --state DIR --listen ADDR:PORT [--public HOST:PORT] [--store memory|disk]\n"
	"       sottod status [--state DIR] [--json]\n"
	"See sottod(8).\n";

static int fail(const char *what, const char *argument)
{
	sottod_complain("%s%s%s", what, argument != NULL ? ": " : "",
			argument != NULL ? argument : "");
	(void)fputs(usage, stderr);
	return SOTTOD_EXIT_USAGE;
}

static bool take_listen(struct sottod_options *options, const char *value)
{
	struct os_address address;

	if (options->listen_count == SOTTOD_SOCKETS_MAX ||
	    os_address_parse(value, &address) != SOTTO_OK)
		return false;
	options->listen[options->listen_count++] = value;
	return true;
}

/* HOST:PORT by its form; whether the name exists is the phones' affair. */
static bool take_public(struct sottod_options *options, const char *value)
{
	const char *colon = strrchr(value, ':');

	if (colon == NULL || colon == value || strlen(value) > WIRE_RELAY_ADDRESS_MAX ||
	    strspn(colon + 1, "0123456789") != strlen(colon + 1) || colon[1] == '\0' ||
	    strpbrk(value, " #\t\n") != NULL)
		return false;
	options->public_name = value;
	return true;
}

static bool take_store(struct sottod_options *options, const char *value)
{
	options->memory = strcmp(value, "memory") == 0;
	return options->memory || strcmp(value, "disk") == 0;
}

static bool take_state(struct sottod_options *options, const char *value)
{
	options->state = value;
	return value[0] != '\0';
}

static const struct {
	const char *name;
	bool (*take)(struct sottod_options *options, const char *value);
	const char *complaint;
} flags[] = {
	{"--state", take_state, "not a directory"},
	{"--listen", take_listen, "not a numeric ADDR:PORT or [ADDR]:PORT, or too many"},
	{"--public", take_public, "not a HOST:PORT"},
	{"--store", take_store, "the store is memory or disk"},
};

/* The flag and its value, as --flag VALUE or --flag=VALUE. How many arguments it took; 0: unknown. */
static int take_flag(int argc, char **argv, int at, struct sottod_options *options, int *code)
{
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		size_t len = strlen(flags[i].name);
		const char *value = NULL;
		int taken = 1;

		if (strncmp(argv[at], flags[i].name, len) != 0)
			continue;
		if (argv[at][len] == '=') {
			value = argv[at] + len + 1;
		} else if (argv[at][len] == '\0' && at + 1 < argc) {
			value = argv[at + 1];
			taken = 2;
		} else if (argv[at][len] != '\0') {
			continue;
		}
		if (value == NULL)
			*code = fail("a value is missing", argv[at]);
		else if (!flags[i].take(options, value))
			*code = fail(flags[i].complaint, value);
		return taken;
	}
	return 0;
}

int sottod_options_parse(int argc, char **argv, struct sottod_options *options)
{
	int code = SOTTOD_EXIT_OK;
	int at = 1;

	*options = (struct sottod_options){.status = false};
	if (argc > 1 && strcmp(argv[1], "status") == 0) {
		options->status = true;
		at = 2;
	}
	while (at < argc && code == SOTTOD_EXIT_OK) {
		int taken = take_flag(argc, argv, at, options, &code);

		if (strcmp(argv[at], "--help") == 0) {
			(void)fputs(usage, stdout);
			return -1;
		}
		if (taken == 0 && options->status && strcmp(argv[at], "--json") == 0) {
			options->json = true;
			taken = 1;
		}
		if (taken == 0)
			return fail("unknown argument", argv[at]);
		at += taken;
	}
	if (code != SOTTOD_EXIT_OK)
		return code;
	if (options->status) {
		if (options->listen_count > 0 || options->public_name != NULL || options->memory)
			return fail("status takes --state and --json only", NULL);
		if (options->state == NULL)
			options->state = SOTTOD_STATE_DEFAULT;
		return SOTTOD_EXIT_OK;
	}
	if (options->state == NULL)
		return fail("--state is missing", NULL);
	if (options->listen_count == 0)
		return fail("--listen is missing", NULL);
	return SOTTOD_EXIT_OK;
}
