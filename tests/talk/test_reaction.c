/* SPDX-License-Identifier: Apache-2.0 */
/* A reaction is one character as people see it: said and received, of Unicode's own lists and of what is near them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "talk/grapheme.h"
#include "tests/talk/devices.h"
#include "tests/talk/hands.h"
#include "tests/talk/inside.h"
#include "tests/talk/steps.h"

#define LINE_MAX_LEN 1024

static size_t put_point(char *out, uint32_t point)
{
	if (point < 0x80) {
		out[0] = (char)point;
		return 1;
	}
	if (point < 0x800) {
		out[0] = (char)(0xc0 | point >> 6);
		out[1] = (char)(0x80 | (point & 0x3f));
		return 2;
	}
	if (point < 0x10000) {
		out[0] = (char)(0xe0 | point >> 12);
		out[1] = (char)(0x80 | (point >> 6 & 0x3f));
		out[2] = (char)(0x80 | (point & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | point >> 18);
	out[1] = (char)(0x80 | (point >> 12 & 0x3f));
	out[2] = (char)(0x80 | (point >> 6 & 0x3f));
	out[3] = (char)(0x80 | (point & 0x3f));
	return 4;
}

/* The code points of a line of Unicode's: hexadecimal, anything between; how many, and how many marks of a boundary. */
static size_t read_points(const char *line, char *text, size_t *len, uint32_t *first,
			  size_t *boundaries)
{
	size_t count = 0;

	*len = *boundaries = 0;
	while (*line != '\0' && *line != '#' && *line != ';' && *line != '\n') {
		char *end;
		unsigned long point;

		if (strncmp(line, "\u00f7", 2) == 0)
			(*boundaries)++;
		point = strtoul(line, &end, 16);
		if (end == line || *line == ' ' || *line == '\t') {
			line++;
			continue;
		}
		if (count++ == 0)
			*first = (uint32_t)point;
		*len += put_point(text + *len, (uint32_t)point);
		line = end;
	}
	return count;
}

/* Every emoji that Unicode lists is one and short enough; two of them are not one. */
static void test_emoji(void **state)
{
	FILE *file = fopen("/usr/share/unicode/emoji/emoji-test.txt", "r");
	char line[LINE_MAX_LEN], text[2 * LINE_MAX_LEN];
	size_t count = 0, longest = 0, len, boundaries;
	uint32_t first;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		/* A part of others is not one: a skin tone changes what is before it. */
		if (line[0] == '#' || strstr(line, "; component") != NULL ||
		    read_points(line, text, &len, &first, &boundaries) == 0)
			continue;
		count++;
		longest = len > longest ? len : longest;
		if (!talk_grapheme_one(BYTES(text, len)) || len > TALK_REACTION_MAX)
			fail_msg("not taken: %s", line);
		memmove(text + len, text, len);
		if (talk_grapheme_one(BYTES(text, 2 * len)))
			fail_msg("taken twice: %s", line);
	}
	fclose(file);
	assert_true(count >= 4724);
	assert_int_equal(longest, 35);
}

static bool only_changes_others(uint32_t point)
{
	static const uint32_t points[] = {0x1,	 0xa,	0xd,   0x20,   0x300,  0x308,
					  0x34f, 0x900, 0x903, 0x200d, 0x1f3ff};

	for (size_t i = 0; i < ARRAY_LEN(points); i++) {
		if (points[i] == point)
			return true;
	}
	return false;
}

/* Unicode's own test of boundaries. */
static void test_boundaries(void **state)
{
	FILE *file = fopen("/usr/share/unicode/auxiliary/GraphemeBreakTest.txt", "r");
	char line[LINE_MAX_LEN], text[2 * LINE_MAX_LEN];
	size_t ones = 0, others = 0, len, boundaries;
	uint32_t first = 0;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		bool one;

		if (line[0] == '#' || read_points(line, text, &len, &first, &boundaries) == 0)
			continue;
		one = boundaries == 2 && !only_changes_others(first);
		ones += one;
		others += !one;
		if (talk_grapheme_one(BYTES(text, len)) != one)
			fail_msg("%s: %s", one ? "not taken" : "taken", line);
	}
	fclose(file);
	assert_true(ones > 60 && others > 400);
}

static const struct {
	const char *name, *text;
	bool one;
} cases[] = {
	{"nothing", "", false},
	{"a letter", "a", true},
	{"two letters", "ab", false},
	{"a digit with a sign", "+1", false},
	{"a letter and its accent", "e\u0301", true},
	{"an accent alone", "\u0301", false},
	{"a syllable of three parts", "\u1112\u1161\u11ab", true},
	{"a consonant and a vowel sign", "\u0915\u093f", true},
	{"thumbs up", "\U0001f44d", true},
	{"with a skin tone", "\U0001f44d\U0001f3fd", true},
	{"a skin tone alone", "\U0001f3fd", false},
	{"a heart in colour", "\u2764\ufe0f", true},
	{"a family", "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", true},
	{"its members, not joined", "\U0001f468\U0001f469\U0001f467", false},
	{"joined to nothing", "\U0001f468\u200d", true},
	{"a kiss, two skin tones",
	 "\U0001f469\U0001f3fd\u200d\u2764\ufe0f\u200d\U0001f48b\u200d\U0001f468\U0001f3fd", true},
	{"a flag", "\U0001f1e6\U0001f1f9", true},
	{"two flags", "\U0001f1e6\U0001f1f9\U0001f1e8\U0001f1ed", false},
	{"a flag and a half", "\U0001f1e6\U0001f1f9\U0001f1e8", false},
	{"the flag of a part",
	 "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", true},
	{"a keycap", "1\ufe0f\u20e3", true},
	{"two keycaps", "1\ufe0f\u20e32\ufe0f\u20e3", false},
	{"a space", " ", false},
	{"a wide space", "\u3000", false},
	{"one with a space", "\U0001f44d ", false},
	{"a line end", "\n", false},
	{"one with a line end", "a\n", false},
	{"an escape", "\x1b", false},
	{"a control of the second kind", "\xc2\x85", false},
	{"turns what comes", "\u202e", false},
	{"one that turns what comes", "a\u202e", false},
	{"no width", "\u200b", false},
	{"joins what is not there", "\u200d", false},
	{"half of a code point", "\xf0\x9f\x91", false},
	{"one and half of another", "a\xf0\x9f", false},
	{"too long a form", "\xc1\xa1", false},
	{"a surrogate", "\xed\xa0\x80", false},
};

static uint64_t utc(const struct world *world)
{
	return WORLD_UTC_MS + world_now(world) / 1000000;
}

/* What phone `number` shows of 101's reaction to this message of phone 0; the empty text: nothing. */
static void reaction_at(struct world *world, uint32_t number, const uint8_t *id, char *out)
{
	struct talk_conversation with = talk_with(number == 0 ? 101 : 100);
	struct talk_reaction reaction;
	struct talk_message message;
	struct talk_owner owner;
	struct wire_cursor cursor;
	struct writer value;
	uint64_t row;

	out[0] = '\0';
	writer_init_growing(&value, &allocator_default);
	assert_int_equal(talk_conversation_owner(talk_of(world, number), &with, &owner), SOTTO_OK);
	assert_int_equal(talk_row_find(talk_of(world, number), &owner, id, &row), SOTTO_OK);
	assert_int_equal(store_get(&world_phone(world, number)->reader, TALK_TABLE_MESSAGES,
				   talk_owner_bytes(&owner), row, &value),
			 SOTTO_OK);
	assert_int_equal(talk_message_decode(writer_bytes(&value), &message), SOTTO_OK);
	cursor = wire_list_walk(&message.reactions);
	while (talk_reaction_next(&cursor, &reaction)) {
		assert_int_equal(reaction.extension, 101);
		memcpy(out, reaction.reaction.data, reaction.reaction.len);
		out[reaction.reaction.len] = '\0';
	}
	writer_release(&value);
}

static void put_body(struct talk_frame *frame, const void *context)
{
	const struct talk_frame *made = context;

	frame->type = made->type;
	frame->serial = made->serial;
	frame->body = made->body;
}

/* As a phone would say it that does not look. */
static void post(struct world *world, const uint8_t *id, uint32_t number, struct bytes text)
{
	struct talk_group *group = direct_of(world, 1, 0);
	struct talk_reaction_body body = {.number = number, .reaction = text};
	struct talk_frame made = {.type = TALK_BODY_REACTION, .serial = ++group->serial};
	struct talk_blob encoded = {0};

	memcpy(body.message, id, TALK_MESSAGE_ID_LEN);
	assert_int_equal(talk_encode(talk_of(world, 1), &talk_reaction_body_type, &body, &encoded),
			 SOTTO_OK);
	made.body = talk_blob_bytes(&encoded);
	frame_post(world, 1, group, put_body, &made);
	talk_blob_clear(talk_of(world, 1), &encoded);
}

/* What is not one is not said; and where a phone says it all the same, it changes nothing and stops nothing. */
static void test_said_and_received(void **state)
{
	struct world *world = world_create(990);
	struct talk_conversation with = talk_with(101), back = talk_with(100);
	uint8_t id[TALK_MESSAGE_ID_LEN];
	char shown[TALK_REACTION_MAX + 1], before[TALK_REACTION_MAX + 1] = "";
	uint32_t number = 0;

	(void)state;
	world_members(world, 2, false);
	assert_int_equal(talk_send_text(talk_of(world, 0), &with, BYTES_TEXT("Harbour road"), NULL,
					id, world_now(world), utc(world)),
			 SOTTO_OK);
	world_settle(world_phone(world, 0));
	world_run(world, 10);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bytes text = BYTES(cases[i].text, strlen(cases[i].text));
		bool valid = cases[i].one || text.len == 0;
		enum sotto_err err;

		if (talk_grapheme_one(text) != cases[i].one)
			fail_msg("%s", cases[i].name);
		post(world, id, ++number, text);
		world_run(world, 5);
		reaction_at(world, 0, id, shown);
		if (strcmp(shown, valid ? cases[i].text : before) != 0)
			fail_msg("received, %s: %s", cases[i].name, shown);
		snprintf(before, sizeof(before), "%s", shown);
		err = talk_react(talk_of(world, 1), &back, id, text, world_now(world), utc(world));
		if (err != (valid ? SOTTO_OK : SOTTO_ERR_INVALID))
			fail_msg("said, %s: %d", cases[i].name, (int)err);
		if (err == SOTTO_OK)
			world_settle(world_phone(world, 1));
		world_run(world, 5);
	}
	/* One cluster may be of any length; a reaction not. */
	{
		char text[TALK_REACTION_MAX + 2] = "a";

		for (size_t i = 1; i <= TALK_REACTION_MAX; i += 2)
			memcpy(text + i, "\u0301", 2);
		assert_true(talk_grapheme_one(BYTES(text, TALK_REACTION_MAX + 1)));
		assert_int_equal(talk_react(talk_of(world, 1), &back, id,
					    BYTES(text, TALK_REACTION_MAX + 1), world_now(world),
					    utc(world)),
				 SOTTO_ERR_LIMIT);
	}
	world_destroy(world);
}

/* A reaction that is none to this phone, as of a later Unicode: it is left out, and the rest comes. */
static void test_handed_over(void **state)
{
	struct world *world = world_create_of(16, 4);
	struct talk_conversation with = talk_with(101);
	struct talk_kept_change change = {
		.version = TALK_STORE_VERSION,
		.what = TALK_CHANGE_REACTION,
		.number = 1,
		.text = BYTES_TEXT("+1"),
	};
	struct talk *old;
	struct found found;

	(void)state;
	world_members(world, 3, false);
	old = talk_of(world, OLD);
	say(world, 2, 101, "first");
	say(world, OLD, 102, "second");
	world_run(world, 10);
	found = look(world, 2, 101, "second");
	assert_int_equal(settled(world, 2,
				 talk_react(talk_of(world, 2), &with, found.message.id,
					    BYTES_TEXT("!"), world_now(world), utc_ms(world))),
			 SOTTO_OK);
	world_run(world, 10);
	found = look(world, OLD, 102, "first");
	memcpy(change.id, found.message.id, sizeof(change.id));
	change.member = talk_own_member(talk_of(world, 2));
	change.extension = 102;
	assert_int_equal(talk_step_begin(old, world_now(world), utc_ms(world)), SOTTO_OK);
	assert_int_equal(
		settled(world, OLD,
			talk_step_end(old, talk_change(old, direct_of(world, OLD, 2), &change))),
		SOTTO_OK);
	assert_int_equal(look(world, OLD, 102, "first").message.reactions.count, 1);
	add(world, OLD, NEW, "Tablet");
	assert_int_equal(hand_ask(world, NEW), SOTTO_OK);
	world_run(world, 5);
	assert_int_equal(give(world, OLD, 2), SOTTO_OK);
	world_run(world, 60);
	assert_int_equal(hand_state(world, NEW), TALK_HAND_DONE);
	assert_int_equal(hand_of(world, NEW).messages, 2);
	found = look(world, NEW, 102, "first");
	assert_int_equal(found.count, 1);
	assert_int_equal(found.message.reactions.count, 0);
	assert_int_equal(look(world, NEW, 102, "second").message.reactions.count, 1);
	world_destroy(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_emoji),
		cmocka_unit_test(test_boundaries),
		cmocka_unit_test(test_said_and_received),
		cmocka_unit_test(test_handed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
