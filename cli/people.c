/* SPDX-License-Identifier: Apache-2.0 */
/* Records to people. What only the agent knows, who is in the network already, it says later. */
#include "cli/people.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "cli/csv.h"

#define WHAT_LEN   128
#define DIGITS_MIN 3

struct parse {
	struct people people;
	people_say_fn *say;
	void *context;
	size_t wrong;
};

static void say(struct parse *parse, size_t line, const char *what)
{
	parse->wrong++;
	parse->say(parse->context, line, what);
}

static const char *fault_words(enum csv_result result)
{
	switch (result) {
	case CSV_RECORD:
	case CSV_END:
		break;
	case CSV_QUOTE:
		return "a quotation mark stands alone: \"Ben \"\"Bo\"\" Oyelaran\" is how a name "
		       "has them";
	case CSV_UNCLOSED:
		return "a quotation mark is opened here and never closed";
	case CSV_LONG:
		return "too long";
	case CSV_MANY:
		return "too many fields: extension,name or extension,name,devices is wanted";
	}
	return NULL;
}

/* Without spaces around it, which spreadsheets and people add. */
static void trim(struct csv_field *field)
{
	size_t begin = 0;

	while (field->len > 0 && field->text[field->len - 1] == ' ')
		field->len--;
	while (begin < field->len && field->text[begin] == ' ')
		begin++;
	field->len -= begin;
	memmove(field->text, field->text + begin, field->len);
	field->text[field->len] = '\0';
}

static bool is_extension(const struct csv_field *field)
{
	return field->len >= DIGITS_MIN && field->len <= PEOPLE_DIGITS_MAX &&
	       strspn(field->text, "0123456789") == field->len && field->text[0] != '0';
}

/* What is wrong with it, or NULL. Controls are in no name; what else is not, the agent knows. */
static const char *name_fault(const struct csv_field *field)
{
	if (!utf8_valid(BYTES(field->text, field->len)))
		return "the name is not UTF-8";
	if (field->len == 0)
		return "there is no name";
	if (field->len > LEDGER_NAME_MAX)
		return "the name has more than 64 bytes";
	for (size_t i = 0; i < field->len; i++) {
		if ((unsigned char)field->text[i] < 0x20 || field->text[i] == 0x7f)
			return "the name has a control character";
	}
	return NULL;
}

/* Says what is wrong; the first thing is enough. */
static bool take_fields(struct parse *parse, const struct csv_record *record, struct person *person)
{
	const struct csv_field *fields = record->fields;
	const char *fault = NULL;

	if (record->count < 2 || record->count > 3)
		fault = "extension,name or extension,name,devices is wanted";
	else if (!is_extension(&fields[0]))
		fault = "an extension is a number of 3 to 5 digits, and does not begin with 0";
	else
		fault = name_fault(&fields[1]);
	if (fault == NULL && record->count == 3 && fields[2].len > 0) {
		person->devices = fields[2].text[0] - '0';
		if (fields[2].len != 1 || person->devices < 1 ||
		    person->devices > LEDGER_PLACES_MAX)
			fault = "devices are 1 to 4";
	}
	if (fault != NULL) {
		say(parse, record->line, fault);
		return false;
	}
	memcpy(person->extension, fields[0].text, fields[0].len + 1);
	memcpy(person->name, fields[1].text, fields[1].len + 1);
	return true;
}

static void take_person(struct parse *parse, const struct csv_record *record)
{
	struct person person = {.line = record->line};
	char what[WHAT_LEN];

	if (!take_fields(parse, record, &person))
		return;
	for (size_t i = 0; i < parse->people.count; i++) {
		const struct person *other = &parse->people.list[i];

		if (strcmp(other->extension, person.extension) != 0)
			continue;
		(void)snprintf(what, sizeof(what), "extension %s stands in line %zu already",
			       person.extension, other->line);
		say(parse, record->line, what);
		return;
	}
	if (parse->people.count == PEOPLE_MAX)
		say(parse, record->line, "more than 1000 people");
	else
		parse->people.list[parse->people.count++] = person;
}

/* Is it one? Says what is wrong with it, too. */
static bool is_heading(struct parse *parse, const struct csv_record *record)
{
	static const char *const words[] = {"extension", "name", "devices"};

	if (strcasecmp(record->fields[0].text, words[0]) != 0)
		return false;
	for (size_t i = 0; i < record->count; i++) {
		if (i < 3 && strcasecmp(record->fields[i].text, words[i]) == 0)
			continue;
		say(parse, record->line, "a heading is extension,name or extension,name,devices");
		return true;
	}
	return true;
}

static void take_all(struct parse *parse, struct bytes text)
{
	struct csv_record record;
	enum csv_result result;
	bool first = true;
	struct csv csv;

	csv_init(&csv, text);
	while ((result = csv_next(&csv, &record)) != CSV_END) {
		for (size_t i = 0; i < record.count; i++)
			trim(&record.fields[i]);
		if (result != CSV_RECORD)
			say(parse, record.line, fault_words(result));
		else if (record.count == 1 && record.fields[0].len == 0)
			continue; /* an empty line */
		else if (!first || !is_heading(parse, &record))
			take_person(parse, &record);
		first = false;
		/* One word is enough of those that are too many. */
		if (parse->people.count == PEOPLE_MAX && parse->wrong > 0)
			return;
	}
}

static bool is_utf16(struct bytes text)
{
	return text.len >= 2 && ((text.data[0] == 0xff && text.data[1] == 0xfe) ||
				 (text.data[0] == 0xfe && text.data[1] == 0xff));
}

enum sotto_err people_parse(struct bytes text, people_say_fn *say_fn, void *context,
			    struct people *people)
{
	struct parse parse = {.say = say_fn, .context = context};

	parse.people.list = calloc(PEOPLE_MAX, sizeof(*parse.people.list));
	if (parse.people.list == NULL)
		return SOTTO_ERR_NO_MEMORY;
	if (is_utf16(text))
		say(&parse, 1, "this is UTF-16, and UTF-8 is wanted");
	else if (text.len > PEOPLE_LEN_MAX)
		say(&parse, 1, "a list has at most 1 MiB");
	else
		take_all(&parse, text);
	if (parse.wrong == 0 && parse.people.count == 0)
		say(&parse, 1, "nobody is in this list");
	if (parse.wrong == 0) {
		*people = parse.people;
		return SOTTO_OK;
	}
	people_finish(&parse.people);
	return SOTTO_ERR_FORMAT;
}

void people_finish(struct people *people)
{
	if (people == NULL)
		return;
	free(people->list);
	*people = (struct people){.list = NULL};
}
