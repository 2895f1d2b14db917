/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of people: what is one, and for what is none, the lines that are named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "cli/people.h"

#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct said {
	char text[1024]; /* "LINE what|..." */
};

static void hear(void *context, size_t line, const char *what)
{
	struct said *said = context;
	size_t len = strlen(said->text);

	(void)snprintf(said->text + len, sizeof(said->text) - len, "%zu %s|", line, what);
}

/* "LINE EXTENSION NAME DEVICES|..." */
static void write_people(const struct people *people, char *out, size_t capacity)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < people->count; i++)
		len += (size_t)snprintf(out + len, capacity - len, "%zu %s %s %d|",
					people->list[i].line, people->list[i].extension,
					people->list[i].name, people->list[i].devices);
}

static void test_lists(void **state)
{
	static const struct {
		const char *text;
		const char *people;
	} table[] = {
		{"101,Ben", "1 101 Ben 0|"},
		{"101,Ben\n", "1 101 Ben 0|"},
		{"101,Ben\r\n102,Zoë\r\n", "1 101 Ben 0|2 102 Zoë 0|"},
		{"\xef\xbb\xbf"
		 "101,Ben,2\n",
		 "1 101 Ben 2|"},
		{"extension,name\n101,Ben\n", "2 101 Ben 0|"},
		{"\xef\xbb\xbf"
		 "Extension, Name, Devices\r\n101,Ben,4\r\n102,Ana,\r\n",
		 "2 101 Ben 4|3 102 Ana 0|"},
		{"101,\"Oyelaran, Ben\"", "1 101 Oyelaran, Ben 0|"},
		{"101,\"Ben \"\"Bo\"\" O\"\n", "1 101 Ben \"Bo\" O 0|"},
		{"\"101\",\"Ben\",\"1\"\r\n", "1 101 Ben 1|"},
		{"\n\n101,Ben\n\r\n102,Ana\n\n", "3 101 Ben 0|5 102 Ana 0|"},
		{" 101 , Ben Oyelaran , 3 \n", "1 101 Ben Oyelaran 3|"},
		{"10001,محمد\n99999,王小明\n", "1 10001 محمد 0|2 99999 王小明 0|"},
		{"101," A63 "b", "1 101 " A63 "b 0|"},
		{"101,extension\n", "1 101 extension 0|"},
	};
	char seen[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct said said = {""};
		struct people people;

		assert_int_equal(people_parse(BYTES(table[i].text, strlen(table[i].text)), hear,
					      &said, &people),
				 SOTTO_OK);
		assert_string_equal(said.text, "");
		write_people(&people, seen, sizeof(seen));
		assert_string_equal(seen, table[i].people);
		people_finish(&people);
	}
}

/* Every bad line is named, with the line where its record begins, and there is no list. */
static void test_what_is_wrong(void **state)
{
	static const char wanted[] = "extension,name or extension,name,devices is wanted|";
	static const char digits[] =
		"an extension is a number of 3 to 5 digits, and does not begin with 0|";
	static const struct {
		const char *text;
		const char *said[4]; /* line, words, line, words */
	} table[] = {
		{"", {"1", "nobody is in this list|"}},
		{"\n\n", {"1", "nobody is in this list|"}},
		{"extension,name\n", {"1", "nobody is in this list|"}},
		{"extension\n101,Ben\n101,Ben\n", {"3", "extension 101 stands in line 2 already|"}},
		{"extension,phone\n101,Ben",
		 {"1", "a heading is extension,name or extension,name,devices|"}},
		{"101\n102,Ben\n103\n", {"1", wanted, "3", wanted}},
		{"101,a,1,x\n", {"1", wanted}},
		{"101,1,2,3,4,5,6,7,8,9\n102\n",
		 {"1", "too many fields: extension,name or extension,name,devices is wanted|", "2",
		  wanted}},
		{"Ben,101\n", {"1", digits}},
		{"12,a\n012,b\n", {"1", digits, "2", digits}},
		{"101;Ben\n123456,a\n", {"1", wanted, "2", digits}},
		{"1\xd9\xa0"
		 "1,a\n",
		 {"1", digits}},
		{"101,\n102,\"\"\n", {"1", "there is no name|", "2", "there is no name|"}},
		{"101,M\xfcller\n102,\xc3\n",
		 {"1", "the name is not UTF-8|", "2", "the name is not UTF-8|"}},
		{"\xff\xfe"
		 "1\0"
		 "0\0",
		 {"1", "this is UTF-16, and UTF-8 is wanted|"}},
		{"101,a\tb\n102,\"a\nb\"\n",
		 {"1", "the name has a control character|", "2",
		  "the name has a control character|"}},
		{"101,\"a\r\nb\"\n12,a\n", {"1", "the name has a control character|", "3", digits}},
		{"101,a\rb\n", {"1", "the name has a control character|"}},
		{"101," A63 "é", {"1", "the name has more than 64 bytes|"}},
		{"101," A63 A63 A63 A63 A63 "\n1\n", {"1", "too long|", "2", wanted}},
		{"101,a,0\n102,b,5\n", {"1", "devices are 1 to 4|", "2", "devices are 1 to 4|"}},
		{"101,a,12\n102,b,two\n", {"1", "devices are 1 to 4|", "2", "devices are 1 to 4|"}},
		{"101,B\"o\n",
		 {"1", "a quotation mark stands alone: \"Ben \"\"Bo\"\" Oyelaran\" is how a name "
		       "has them|"}},
		{"101,\"B\"o\n",
		 {"1", "a quotation mark stands alone: \"Ben \"\"Bo\"\" Oyelaran\" is how a name "
		       "has them|"}},
		{"101,a\n102,\"b\n103,c\n",
		 {"2", "a quotation mark is opened here and never closed|"}},
		{"101,a\n102,b\n101,c\n102,d\n",
		 {"3", "extension 101 stands in line 1 already|", "4",
		  "extension 102 stands in line 2 already|"}},
	};
	char wrong[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct people people = {.count = 7};
		struct said said = {""};

		assert_int_equal(people_parse(BYTES(table[i].text, strlen(table[i].text)), hear,
					      &said, &people),
				 SOTTO_ERR_FORMAT);
		assert_int_equal(people.count, 7);
		(void)snprintf(wrong, sizeof(wrong), "%s %s%s%s%s", table[i].said[0],
			       table[i].said[1], table[i].said[2] != NULL ? table[i].said[2] : "",
			       table[i].said[2] != NULL ? " " : "",
			       table[i].said[2] != NULL ? table[i].said[3] : "");
		assert_string_equal(said.text, wrong);
	}
}

static void test_how_many(void **state)
{
	size_t capacity = 16 * (PEOPLE_MAX + 20);
	char *text = malloc(capacity);
	size_t len = 0;

	(void)state;
	assert_non_null(text);
	for (unsigned i = 0; i < PEOPLE_MAX + 20; i++) {
		struct said said = {""};
		struct people people;

		len += (size_t)snprintf(text + len, capacity - len, "%u,P\n", 10000 + i);
		if (i + 1 == PEOPLE_MAX) {
			assert_int_equal(people_parse(BYTES(text, len), hear, &said, &people),
					 SOTTO_OK);
			assert_int_equal(people.count, PEOPLE_MAX);
			people_finish(&people);
		} else if (i == PEOPLE_MAX || i + 1 == PEOPLE_MAX + 20) {
			assert_int_equal(people_parse(BYTES(text, len), hear, &said, &people),
					 SOTTO_ERR_FORMAT);
			assert_string_equal(said.text, "1001 more than 1000 people|");
		}
	}
	free(text);
}

static void test_too_long_a_file(void **state)
{
	char *text = calloc(1, PEOPLE_LEN_MAX + 1);
	struct said said = {""};
	struct people people;

	(void)state;
	assert_non_null(text);
	memset(text, '\n', PEOPLE_LEN_MAX + 1);
	memcpy(text, "101,a", strlen("101,a"));
	assert_int_equal(people_parse(BYTES(text, PEOPLE_LEN_MAX), hear, &said, &people), SOTTO_OK);
	people_finish(&people);
	assert_int_equal(people_parse(BYTES(text, PEOPLE_LEN_MAX + 1), hear, &said, &people),
			 SOTTO_ERR_FORMAT);
	assert_string_equal(said.text, "1 a list has at most 1 MiB|");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_what_is_wrong),
		cmocka_unit_test(test_how_many),
		cmocka_unit_test(test_too_long_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
