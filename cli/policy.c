/* SPDX-License-Identifier: Apache-2.0 */
/* sotto policy: its words, and a policy as people read it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "cli/cli.h"

#define SECONDS_LIMIT INT64_C(100000000) /* more than any policy has */

/* "14d", "12h", "30m", "30s", or none. -1: it is no such time. */
static long long seconds_of(const char *text)
{
	static const struct {
		char unit;
		long long seconds;
	} units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
	size_t digits = strspn(text, "0123456789");
	long long count;

	if (strcmp(text, "none") == 0)
		return 0;
	if (digits == 0 || digits > 8 || text[digits] == '\0' || text[digits + 1] != '\0')
		return -1;
	count = strtoll(text, NULL, 10);
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (units[i].unit == text[digits] && count <= SECONDS_LIMIT / units[i].seconds)
			return count * units[i].seconds;
	}
	return -1;
}

static json_t *list_of(const char *text)
{
	json_t *list = json_array();

	while (strcmp(text, "none") != 0 && *text != '\0') {
		size_t len = strcspn(text, ",");

		json_array_append_new(list, json_stringn(text, len));
		text += len + (text[len] == ',');
	}
	return list;
}

static enum sotto_err refuse(const struct cli *cli, const char *setting)
{
	cli_fail(cli, "usage",
		 "a setting is retention=14d, beat=12h, disappear=7d, disappear-max=30d, "
		 "release-min=3, off=calls,export or bitrates=16,24; a time may be none: %s",
		 setting);
	return SOTTO_ERR_ARGUMENT;
}

static enum sotto_err set_one(const struct cli *cli, json_t *request, const char *setting)
{
	static const struct {
		const char *name, *argument;
		enum { TIME, NUMBER, LIST } kind;
	} settings[] = {
		{"retention", "retention_s", TIME},	{"beat", "beat_s", TIME},
		{"disappear", "disappear_s", TIME},	{"disappear-max", "disappear_max_s", TIME},
		{"release-min", "release_min", NUMBER}, {"off", "off", LIST},
		{"bitrates", "bitrates", LIST},
	};
	size_t len = strcspn(setting, "=");
	const char *value = setting + len + (setting[len] == '=');
	long long number;
	size_t at = 0;

	while (at < ARRAY_LEN(settings) &&
	       (strlen(settings[at].name) != len || strncmp(settings[at].name, setting, len) != 0))
		at++;
	if (at == ARRAY_LEN(settings) || *value == '\0')
		return refuse(cli, setting);
	if (settings[at].kind == LIST) {
		json_object_set_new(request, settings[at].argument, list_of(value));
		return SOTTO_OK;
	}
	number = settings[at].kind == TIME ? seconds_of(value)
		 : value[strspn(value, "0123456789")] == '\0' && strlen(value) < 9
			 ? strtoll(value, NULL, 10)
			 : -1;
	if (number < 0)
		return refuse(cli, setting);
	json_object_set_new(request, settings[at].argument, json_integer(number));
	return SOTTO_OK;
}

enum sotto_err cli_policy_build(struct cli *cli, json_t *request, int descriptors[2], size_t *count)
{
	enum sotto_err err = SOTTO_OK;

	(void)descriptors;
	(void)count;
	if (cli->options.position_count > 0)
		cli_set_text(request, "command", "policy_set");
	for (size_t i = 0; i < cli->options.position_count && err == SOTTO_OK; i++)
		err = set_one(cli, request, cli->options.positions[i]);
	return err;
}

static void print_span(const char *words, long long seconds, const char *none)
{
	static const struct {
		long long seconds;
		const char *name;
	} units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
	size_t at = 0;

	printf("%s", words);
	if (seconds == 0) {
		printf("%s\n", none);
		return;
	}
	while (seconds % units[at].seconds != 0)
		at++;
	printf("%lld %s%s\n", seconds / units[at].seconds, units[at].name,
	       seconds / units[at].seconds == 1 ? "" : "s");
}

static void print_array(const char *words, const json_t *list, const char *none)
{
	size_t index;
	json_t *item;

	printf("%s", words);
	json_array_foreach(list, index, item)
	{
		printf("%s", index > 0 ? ", " : "");
		if (json_is_integer(item))
			printf("%lld kbit/s", (long long)json_integer_value(item));
		else
			cli_print_text(json_string_value(item));
	}
	printf("%s\n", json_array_size(list) == 0 ? none : "");
}

void cli_print_policy(const struct cli *cli, const json_t *object)
{
	if (cli_print_proposed(cli, object))
		return;
	print_span("records are kept  ", cli_number_of(object, "retention_s"), "");
	print_span("keys are renewed  each ", cli_number_of(object, "beat_s"), "");
	print_span("messages go       after ", cli_number_of(object, "disappear_s"),
		   "no time: they stay");
	print_span("at the latest     after ", cli_number_of(object, "disappear_max_s"),
		   "no time: as each one likes");
	if (cli_number_of(object, "release_min") == 0)
		printf("releases          any\n");
	else
		printf("releases          from number %lld on\n",
		       cli_number_of(object, "release_min"));
	print_array("calls use         ", json_object_get(object, "bitrates"), "");
	print_array("switched off      ", json_object_get(object, "off"), "nothing");
	if (json_is_null(json_object_get(object, "entry")))
		printf("No entry of the ledger says so: this holds without one.\n");
}
