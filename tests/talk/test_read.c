/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was read on one device of a person is read on the others. Phones 0, 1, 2 are members; phone 3 becomes the second
 * device of member 101, whose first one is phone 1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/sign.h"
#include "talk/marks.h"
#include "tests/talk/devices.h"
#include "tests/talk/inside.h"
#include "tests/talk/steps.h"

#define PHONES 4
#define OLD    1
#define NEW    3

static struct world *world_begin(uint64_t seed)
{
	struct world *world = world_create_of(seed, PHONES);

	world_members(world, 3, false);
	return world;
}

static enum sotto_err settled_tells(struct world *world, uint32_t number, bool tells)
{
	enum sotto_err err =
		talk_tell_read(talk_of(world, number), tells, world_now(world), utc_ms(world));

	world_settle(world_phone(world, number));
	return err;
}

static bool read_elsewhere(struct world *world, uint32_t number, const char *text)
{
	struct found found = look(world, number, 102, text);

	assert_int_equal(found.count, 1);
	assert_int_equal(found.message.state, TALK_MESSAGE_RECEIVED);
	assert_int_equal(found.message.people.count, 0);
	return found.message.elsewhere;
}

static void read_all(struct world *world, uint32_t number)
{
	struct talk_conversation with = talk_with(102);
	struct talk *talk = talk_of(world, number);

	assert_int_equal(talk_mark_read(talk, &with, talk->rows, world_now(world), utc_ms(world)),
			 SOTTO_OK);
	world_settle(world_phone(world, number));
	world_run(world, 10);
}

/* So many members have read it, as who wrote it knows; and how much this device has said to him so far. */
static size_t readers_of(struct world *world, const char *text)
{
	return look(world, 2, 101, text).message.people.count;
}

static uint64_t said_by(struct world *world, uint32_t number)
{
	return direct_of(world, number, 2)->serial;
}

/*
 * What was read on one device is read on the other, also while that one is locked, off, or does not say what it reads;
 * who wrote it hears of it once.
 */
static void test_read_on_one(void **state)
{
	struct world *world = world_begin(19);
	uint64_t said;

	(void)state;
	add(world, OLD, NEW, "Tablet");
	say(world, 2, 101, "first");
	say(world, OLD, 102, "an answer");
	world_run(world, 10);
	assert_false(read_elsewhere(world, OLD, "first"));
	assert_false(read_elsewhere(world, NEW, "first"));
	read_all(world, OLD);
	assert_false(read_elsewhere(world, OLD, "first"));
	assert_true(read_elsewhere(world, NEW, "first"));
	assert_int_equal(look(world, NEW, 102, "an answer").message.people.count, 0);
	assert_int_equal(readers_of(world, "first"), 1);
	world_restart(world_phone(world, NEW));
	assert_true(read_elsewhere(world, NEW, "first"));
	/* There is nothing more to say of it. */
	said = said_by(world, NEW);
	read_all(world, NEW);
	assert_int_equal(said_by(world, NEW), said);
	assert_false(read_elsewhere(world, OLD, "first"));

	/* The other way round; the old one does not say what it reads, nor hear what others do. */
	assert_int_equal(settled_tells(world, OLD, false), SOTTO_OK);
	say(world, 2, 101, "second");
	world_run(world, 10);
	read_all(world, NEW);
	assert_true(read_elsewhere(world, OLD, "second"));
	assert_int_equal(readers_of(world, "second"), 1);

	/* Off, and locked. */
	say(world, 2, 101, "third");
	world_run(world, 10);
	world_link(world, OLD, false);
	read_all(world, NEW);
	assert_false(read_elsewhere(world, OLD, "third"));
	world_lock(world_phone(world, OLD));
	world_link(world, OLD, true);
	world_run(world, 10);
	world_unlock(world_phone(world, OLD));
	world_run(world, 10);
	assert_true(read_elsewhere(world, OLD, "third"));

	/* Nobody else's word counts as ours. */
	say(world, 2, 101, "fourth");
	world_run(world, 10);
	assert_false(read_elsewhere(world, OLD, "fourth"));
	assert_false(read_elsewhere(world, NEW, "fourth"));
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(problems_of(world, i), 0);
	world_destroy(world);
}

/* Who does not say what he reads: his other devices know it, and nobody else. */
static void test_read_silently(void **state)
{
	struct world *world = world_begin(20);
	uint64_t said;

	(void)state;
	add(world, OLD, NEW, "Tablet");
	assert_int_equal(settled_tells(world, OLD, false), SOTTO_OK);
	say(world, 2, 101, "first");
	world_run(world, 10);
	said = said_by(world, OLD);
	read_all(world, OLD);
	assert_true(read_elsewhere(world, NEW, "first"));
	assert_int_equal(said_by(world, OLD), said);
	assert_int_equal(readers_of(world, "first"), 0);
	assert_true(list_empty(&talk_of(world, OLD)->marks));
	assert_true(list_empty(&talk_of(world, NEW)->marks));

	/* Without a link, and over a restart; the other one is off, and comes back to message and letter at once. */
	world_link(world, NEW, false);
	say(world, 2, 101, "second");
	world_run(world, 10);
	world_link(world, OLD, false);
	read_all(world, OLD);
	world_restart(world_phone(world, OLD));
	world_link(world, OLD, true);
	world_run(world, 10);
	assert_true(list_empty(&talk_of(world, OLD)->marks));
	assert_int_equal(look(world, NEW, 102, "second").count, 0);
	world_link(world, NEW, true);
	world_run(world, 20);
	assert_true(read_elsewhere(world, NEW, "second"));

	/* Locked; it is known when it is open again. */
	say(world, 2, 101, "third");
	world_run(world, 10);
	world_lock(world_phone(world, NEW));
	read_all(world, OLD);
	world_unlock(world_phone(world, NEW));
	world_run(world, 10);
	assert_true(read_elsewhere(world, NEW, "third"));
	assert_int_equal(readers_of(world, "second") + readers_of(world, "third"), 0);

	/* Nobody is told who is out. */
	retire(world, OLD, 2);
	say(world, 2, 101, "fourth");
	world_run(world, 10);
	read_all(world, OLD);
	assert_true(list_empty(&talk_of(world, OLD)->marks));
	world_destroy(world);
}

/* A letter of this phone's to NEW, about one message of the conversation with 102. */
static void marks_of(struct world *world, uint32_t by, uint8_t version, const uint8_t *inbox,
		     struct talk_blob *whole)
{
	struct found found = look(world, NEW, 102, "first");
	struct talk *talk = talk_of(world, by);
	struct talk_read_marks marks = {.version = version, .peer = direct_of(world, NEW, 2)->peer};
	struct talk_letter letter = {.form = TALK_MARKS_FORM};
	uint8_t room[TALK_HAND_SIGNED_LEN];
	struct talk_message_id item;
	struct talk_blob content = {0};
	size_t len;

	memcpy(item.message, found.message.id, sizeof(item.message));
	marks.messages = (struct wire_list){.items = &item, .count = 1};
	assert_int_equal(talk_encode(talk, &talk_read_marks_type, &marks, &content), SOTTO_OK);
	letter.content = talk_blob_bytes(&content);
	memcpy(letter.device_key, talk->identity.public_key, LEDGER_KEY_LEN);
	assert_int_equal(sign_create(SIGN_ED25519, NULL, secret_bytes(&talk->identity.private_key),
				     talk_hand_signed(talk, "sotto read marks 1", inbox,
						      letter.content, room),
				     letter.signature, &len),
			 SOTTO_OK);
	talk_blob_clear(talk, whole);
	assert_int_equal(talk_encode(talk, &talk_letter_type, &letter, whole), SOTTO_OK);
	talk_blob_clear(talk, &content);
}

static bool marks_count(struct world *world, struct bytes letter)
{
	struct talk *talk = talk_of(world, NEW);
	bool counts;

	assert_int_equal(talk_step_begin(talk, world_now(world), utc_ms(world)), SOTTO_OK);
	assert_int_equal(talk_read_marks_receive(talk, letter), SOTTO_OK);
	counts = !list_empty(&talk->marks);
	assert_int_equal(talk_step_end(talk, SOTTO_OK), SOTTO_OK);
	world_settle(world_phone(world, NEW));
	return counts;
}

/* Only a device of the same person marks anything, by a whole letter for this inbox. */
static void test_marks_of_others(void **state)
{
	struct world *world = world_begin(21);
	struct talk_blob letter = {0};
	uint8_t other[WIRE_HASH_LEN];
	struct talk *new;

	(void)state;
	add(world, OLD, NEW, "Tablet");
	say(world, 2, 101, "first");
	world_run(world, 10);
	new = talk_of(world, NEW);
	memcpy(other, new->inbox.name, sizeof(other));
	other[0] ^= 1;
	for (uint32_t by = 0; by < 4; by++) {
		if (by == OLD)
			continue;
		marks_of(world, by, TALK_VERSION, new->inbox.name, &letter);
		assert_false(marks_count(world, talk_blob_bytes(&letter)));
	}
	marks_of(world, OLD, TALK_VERSION + 1, new->inbox.name, &letter);
	assert_false(marks_count(world, talk_blob_bytes(&letter)));
	marks_of(world, OLD, TALK_VERSION, other, &letter);
	assert_false(marks_count(world, talk_blob_bytes(&letter)));
	marks_of(world, OLD, TALK_VERSION, new->inbox.name, &letter);
	for (size_t len = 0; len < letter.len; len++)
		assert_false(marks_count(world, BYTES(letter.data, len)));
	for (size_t bit = 0; bit < letter.len * 8; bit++) {
		letter.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(marks_count(world, talk_blob_bytes(&letter)));
		letter.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_false(read_elsewhere(world, NEW, "first"));
	assert_true(marks_count(world, talk_blob_bytes(&letter)));
	world_run(world, 5);
	assert_true(read_elsewhere(world, NEW, "first"));
	talk_blob_clear(new, &letter);
	world_destroy(world);
}

/* A device dies at each store action while one reads silently. */
static void test_marks_and_deaths(void **state)
{
	static const uint32_t victims[] = {OLD, NEW};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(victims); i++) {
		uint32_t died = 1;

		for (uint64_t action = 0; died > 0; action++) {
			struct world *world = world_begin(22);
			struct world_phone *victim = world_phone(world, victims[i]);
			uint32_t before;

			add(world, OLD, NEW, "Tablet");
			assert_int_equal(settled_tells(world, OLD, false), SOTTO_OK);
			say(world, 2, 101, "first");
			world_run(world, 10);
			before = victim->deaths;
			world_die_after(victim, action);
			read_all(world, OLD);
			died = victim->deaths - before;
			/* The step that should have kept it died. */
			if (!read_elsewhere(world, NEW, "first"))
				read_all(world, OLD);
			assert_true(read_elsewhere(world, NEW, "first"));
			assert_true(list_empty(&talk_of(world, OLD)->marks));
			assert_true(list_empty(&talk_of(world, NEW)->marks));
			assert_int_equal(readers_of(world, "first"), 0);
			world_destroy(world);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_on_one),
		cmocka_unit_test(test_read_silently),
		cmocka_unit_test(test_marks_of_others),
		cmocka_unit_test(test_marks_and_deaths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
