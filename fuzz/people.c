/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a list of people: something is said, or all are fit to be invited and the list, written anew, says the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/utf8.h"
#include "cli/people.h"

#define LINE_LEN_MAX 160 /* each quote of a name is two */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hear(void *context, size_t line, const char *what)
{
	ASSERT(line > 0 && what != NULL && what[0] != '\0');
	++*(size_t *)context;
}

static size_t write_person(const struct person *person, char *out)
{
	size_t len = (size_t)sprintf(out, "%s,\"", person->extension);

	for (const char *at = person->name; *at != '\0'; at++) {
		if (*at == '"')
			out[len++] = '"';
		out[len++] = *at;
	}
	len += (size_t)sprintf(out + len, person->devices != 0 ? "\",%d\r\n" : "\"\r\n",
			       person->devices);
	return len;
}

static void check_person(const struct person *person)
{
	size_t digits = strlen(person->extension);
	size_t len = strlen(person->name);

	ASSERT(digits >= 3 && digits <= PEOPLE_DIGITS_MAX && person->extension[0] != '0');
	ASSERT(strspn(person->extension, "0123456789") == digits);
	ASSERT(len > 0 && len <= LEDGER_NAME_MAX && utf8_valid(BYTES(person->name, len)));
	ASSERT(person->devices >= 0 && person->devices <= LEDGER_PLACES_MAX && person->line > 0);
}

static void check_again(const struct people *people)
{
	char *text = malloc(people->count * LINE_LEN_MAX);
	struct people again;
	size_t said = 0;
	size_t len = 0;

	ASSERT(text != NULL);
	for (size_t i = 0; i < people->count; i++)
		len += write_person(&people->list[i], text + len);
	ASSERT(people_parse(BYTES(text, len), hear, &said, &again) == SOTTO_OK);
	ASSERT(again.count == people->count && said == 0);
	for (size_t i = 0; i < people->count; i++) {
		ASSERT(again.list[i].line == i + 1 &&
		       strcmp(again.list[i].extension, people->list[i].extension) == 0 &&
		       strcmp(again.list[i].name, people->list[i].name) == 0 &&
		       again.list[i].devices == people->list[i].devices);
	}
	people_finish(&again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct people people;
	size_t said = 0;
	enum sotto_err err = people_parse(BYTES(data, size), hear, &said, &people);

	if (err != SOTTO_OK) {
		ASSERT(err == SOTTO_ERR_FORMAT && said > 0);
		return 0;
	}
	ASSERT(said == 0 && people.count > 0);
	for (size_t i = 0; i < people.count; i++)
		check_person(&people.list[i]);
	check_again(&people);
	people_finish(&people);
	return 0;
}
