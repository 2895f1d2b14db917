/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was said before, from one device of a person to another. Phones 0, 1, 2 are members; phone 3 becomes the second
 * device of member 101, whose first one is phone 1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/kem.h"
#include "crypto/sign.h"
#include "tests/sparse.h"
#include "tests/talk/circle.h"
#include "tests/talk/devices.h"
#include "tests/talk/hands.h"
#include "tests/talk/steps.h"

#define PHONES	  5
#define LONG_LEN  60000
#define LONG_MANY 40 /* some three sheaves */

static struct world *world_begin(uint64_t seed)
{
	struct world *world = world_create_of(seed, PHONES);

	world_members(world, 3, false);
	return world;
}

/* From asking to the end, with all there. */
static void hand_over(struct world *world)
{
	assert_int_equal(hand_ask(world, NEW), SOTTO_OK);
	world_run(world, 5);
	assert_int_equal(give(world, OLD, 2), SOTTO_OK);
	world_run(world, 60);
	assert_int_equal(hand_state(world, NEW), TALK_HAND_DONE);
	assert_int_equal(hand_state(world, OLD), TALK_HAND_DONE);
}

static void id_by(struct world *world, uint32_t number, uint32_t with, const char *text,
		  uint8_t *id)
{
	struct found found = look(world, number, with, text);

	assert_int_equal(found.count, 1);
	memcpy(id, found.message.id, TALK_MESSAGE_ID_LEN);
}

static void edit(struct world *world, uint32_t by, uint32_t with, const char *text,
		 const char *after)
{
	struct talk_conversation conversation = talk_with(with);
	uint8_t id[TALK_MESSAGE_ID_LEN];

	id_by(world, by, with, text, id);
	assert_int_equal(
		settled(world, by,
			talk_edit(talk_of(world, by), &conversation, id,
				  BYTES(after, strlen(after)), world_now(world), utc_ms(world))),
		SOTTO_OK);
}

static void take_back(struct world *world, uint32_t by, uint32_t with, const char *text)
{
	struct talk_conversation conversation = talk_with(with);
	uint8_t id[TALK_MESSAGE_ID_LEN];

	id_by(world, by, with, text, id);
	assert_int_equal(settled(world, by,
				 talk_delete(talk_of(world, by), &conversation, id,
					     world_now(world), utc_ms(world))),
			 SOTTO_OK);
}

static void react(struct world *world, uint32_t by, uint32_t with, const char *text,
		  const char *reaction)
{
	struct talk_conversation conversation = talk_with(with);
	uint8_t id[TALK_MESSAGE_ID_LEN];

	id_by(world, by, with, text, id);
	assert_int_equal(settled(world, by,
				 talk_react(talk_of(world, by), &conversation, id,
					    BYTES(reaction, strlen(reaction)), world_now(world),
					    utc_ms(world))),
			 SOTTO_OK);
}

/* Long ones, each another. */
static void say_long(struct world *world, uint32_t from, uint32_t to, uint32_t count)
{
	char *text = malloc(LONG_LEN + 1);

	assert_non_null(text);
	for (uint32_t i = 0; i < count; i++) {
		memset(text, 'a' + (int)(i % 26), LONG_LEN);
		text[LONG_LEN] = '\0';
		snprintf(text, 16, "%08u", i);
		text[8] = ' ';
		say(world, from, to, text);
		world_run(world, 2);
	}
	free(text);
}

/* The last row that counts as read. */
static uint64_t last_read(struct world *world, uint32_t number, uint32_t extension)
{
	struct talk_conversation with = talk_with(extension);
	struct talk_owner owner;
	struct writer writer;
	struct reader reader;
	uint64_t row = 0;

	assert_int_equal(talk_conversation_owner(talk_of(world, number), &with, &owner), SOTTO_OK);
	writer_init_growing(&writer, &allocator_default);
	if (store_get(&world_phone(world, number)->reader, TALK_TABLE_READ,
		      talk_owner_bytes(&owner), 0, &writer) == SOTTO_OK) {
		reader_init(&reader, writer_bytes(&writer));
		row = reader_get_u64(&reader);
	}
	writer_release(&writer);
	return row;
}

/* ---- Cases ---- */

/* As it is on the old one: edits, reactions, answers, what was taken back, notices; in its place among what came since. */
static void test_handed(void **state)
{
	struct world *world = world_begin(1);
	struct talk_conversation with = talk_with(102);
	uint8_t id[TALK_MESSAGE_ID_LEN], answer[TALK_MESSAGE_ID_LEN];
	uint32_t texts;

	(void)state;
	say(world, 2, 101, "first");
	world_run(world, 10);
	say(world, OLD, 102, "second");
	world_run(world, 5);
	say(world, 2, 101, "mistyped");
	say(world, 2, 101, "a secret slip");
	world_run(world, 5);
	id_by(world, OLD, 102, "first", answer);
	assert_int_equal(settled(world, OLD,
				 talk_send_text(talk_of(world, OLD), &with, BYTES_TEXT("an answer"),
						answer, id, world_now(world), utc_ms(world))),
			 SOTTO_OK);
	edit(world, 2, 101, "mistyped", "as meant");
	take_back(world, 2, 101, "a secret slip");
	react(world, 2, 101, "second", "\U0001f44d\U0001f3fd");
	react(world, OLD, 102, "first", "!");
	world_run(world, 10);
	add(world, OLD, NEW, "Tablet");
	say(world, 2, 101, "since then");
	world_run(world, 10);
	texts = world_phone(world, NEW)->texts;

	assert_int_equal(hand_ask(world, NEW), SOTTO_OK);
	world_run(world, 600);
	/* A request alone brings nothing. */
	assert_int_equal(hand_state(world, OLD), TALK_HAND_ASKED);
	assert_true(hand_of(world, OLD).gives);
	assert_int_equal(hand_of(world, OLD).number, 2);
	assert_int_equal(hand_of(world, NEW).number, 1);
	assert_int_equal(look(world, NEW, 102, "first").count, 0);
	assert_int_equal(give(world, OLD, 2), SOTTO_OK);
	/* Once. */
	assert_int_equal(give(world, OLD, 2), SOTTO_ERR_NOT_FOUND);
	world_run(world, 30);
	assert_int_equal(hand_state(world, NEW), TALK_HAND_DONE);
	assert_int_equal(hand_state(world, OLD), TALK_HAND_DONE);
	assert_int_equal(hand_of(world, NEW).messages, 5);
	assert_int_equal(hand_of(world, NEW).conversation, 1);
	assert_int_equal(hand_of(world, NEW).conversations, 1);
	assert_same(world, &with, 5);
	assert_int_equal(look(world, NEW, 102, "mistyped").count, 0);
	assert_int_equal(look(world, NEW, 102, "a secret slip").count, 0);
	assert_false(fake_relay_contains(world_relay(world), BYTES_TEXT("first")));

	/* It is no news here, and nobody hears that it was read. */
	assert_int_equal(world_phone(world, NEW)->texts, texts);
	assert_int_equal(last_read(world, NEW, 102), 0);
	assert_int_equal(
		settled(world, NEW,
			talk_mark_read(talk_of(world, NEW), &with, talk_of(world, NEW)->rows,
				       world_now(world), utc_ms(world))),
		SOTTO_OK);
	world_run(world, 10);
	assert_int_equal(look(world, 2, 101, "first").message.people.count, 0);
	assert_int_equal(look(world, 2, 101, "since then").message.people.count, 1);
	/* Nothing that opens it is left. */
	assert_int_equal(talk_of(world, NEW)->taking->key.len, 0);
	assert_int_equal(talk_of(world, NEW)->taking->drop.flags, 0);

	/* What comes later of it counts here, too. */
	edit(world, 2, 101, "as meant", "as meant at last");
	take_back(world, OLD, 102, "second");
	world_run(world, 10);
	assert_same(world, &with, 5);
	for (uint32_t i = 0; i < 4; i++) {
		world_restart(world_phone(world, i));
		assert_int_equal(problems_of(world, i), 0);
	}
	world_run(world, 10);
	assert_same(world, &with, 5);
	assert_int_equal(hand_state(world, NEW), TALK_HAND_DONE);
	/* Again, all is here already. */
	hand_over(world);
	assert_int_equal(hand_of(world, NEW).messages, 0);
	assert_same(world, &with, 5);
	world_destroy(world);
}

static void group_say(struct circle *circle, uint32_t by, uint32_t text)
{
	assert_int_equal(circle_send(circle, by, text), SOTTO_OK);
	world_run(circle->world, 5);
}

/* Groups too, with who did what; not those that only the old one is in. */
static void test_groups(void **state)
{
	struct circle circle = {.world = world_create_of(2, PHONES), .phones = 4};
	struct world *world = circle.world;
	struct talk_conversation group = {.kind = TALK_GROUP};
	uint32_t others[] = {101, 102};

	(void)state;
	world_members(world, 3, true);
	world_run(world, 60);
	assert_int_equal(settled(world, 0,
				 talk_group_create(talk_of(world, 0), BYTES_TEXT("Harbour"), others,
						   2, circle.id, world_now(world), utc_ms(world))),
			 SOTTO_OK);
	world_run(world, 60);
	group_say(&circle, 0, 1);
	group_say(&circle, OLD, 2);
	assert_int_equal(circle_rename(&circle, 2, "Quay"), SOTTO_OK);
	world_run(world, 30);
	say(world, OLD, 102, "one to one");
	say(world, 0, 101, "another one to one");
	world_run(world, 10);
	add(world, OLD, NEW, "Tablet");
	group_say(&circle, 2, 3);
	world_run(world, 30);
	hand_over(world);
	memcpy(group.id, circle.id, sizeof(group.id));
	assert_same(world, &group, 4); /* added, renamed, two texts; the third it has itself */
	assert_same(world, &(struct talk_conversation){.kind = TALK_DIRECT, .extension = 102}, 1);
	assert_same(world, &(struct talk_conversation){.kind = TALK_DIRECT, .extension = 100}, 1);
	assert_int_equal(hand_of(world, NEW).conversations, 3);
	assert_int_equal(hand_of(world, NEW).conversation, 3);
	world_destroy(world);
}

/* Only the person does it, on the old device, in time; what is asked a second time takes the place of the first. */
static void test_only_its_person(void **state)
{
	struct world *world = world_begin(3);

	(void)state;
	say(world, 2, 101, "first");
	world_run(world, 10);
	assert_int_equal(hand_ask(world, OLD), SOTTO_ERR_NOT_FOUND);
	add(world, OLD, NEW, "Tablet");
	assert_int_equal(give(world, OLD, 2), SOTTO_ERR_NOT_FOUND);
	assert_int_equal(give(world, 2, 2), SOTTO_ERR_NOT_FOUND);
	assert_int_equal(stop(world, OLD, 2), SOTTO_ERR_NOT_FOUND);
	assert_int_equal(hand_ask(world, NEW), SOTTO_OK);
	world_run(world, TALK_HAND_ASK_MS / 1000 - 10);
	assert_int_equal(hand_state(world, OLD), TALK_HAND_ASKED);
	world_run(world, 20);
	assert_int_equal(hand_state(world, OLD), TALK_HAND_OVER);
	assert_int_equal(give(world, OLD, 2), SOTTO_ERR_NOT_FOUND);
	assert_int_equal(hand_state(world, NEW), TALK_HAND_ASKED);
	/* Stopped on the old one, then on the new one. */
	assert_int_equal(hand_ask(world, NEW), SOTTO_OK);
	world_run(world, 10);
	assert_int_equal(stop(world, OLD, 2), SOTTO_OK);
	assert_int_equal(give(world, OLD, 2), SOTTO_ERR_NOT_FOUND);
	assert_int_equal(hand_ask(world, NEW), SOTTO_OK);
	world_run(world, 10);
	assert_int_equal(stop(world, NEW, 1), SOTTO_OK);
	assert_int_equal(give(world, OLD, 2), SOTTO_OK);
	world_run(world, 60);
	assert_int_equal(hand_state(world, NEW), TALK_HAND_OVER);
	assert_int_equal(look(world, NEW, 102, "first").count, 0);
	/* While it is locked nobody says yes. */
	assert_int_equal(hand_ask(world, NEW), SOTTO_OK);
	world_run(world, 10);
	world_lock(world_phone(world, OLD));
	assert_int_equal(give(world, OLD, 2), SOTTO_ERR_STATE);
	world_unlock(world_phone(world, OLD));
	assert_int_equal(give(world, OLD, 2), SOTTO_OK);
	world_run(world, 60);
	assert_int_equal(hand_state(world, NEW), TALK_HAND_DONE);
	assert_int_equal(look(world, NEW, 102, "first").count, 1);
	world_destroy(world);
}

/* Who was off for longer than a request counts is asked by the letter that was sent since. */
static void test_off_meanwhile(void **state)
{
	struct world *world = world_begin(13);

	(void)state;
	add_after(world, "first", OLD, NEW);
	world_link(world, OLD, false);
	world_run(world, 1);
	assert_int_equal(hand_ask(world, NEW), SOTTO_OK);
	world_run(world, 2 * TALK_HAND_ASK_MS / 1000);
	world_link(world, OLD, true);
	world_run(world, 60);
	assert_int_equal(hand_state(world, OLD), TALK_HAND_ASKED);
	assert_int_equal(give(world, OLD, 2), SOTTO_OK);
	world_run(world, 60);
	assert_int_equal(hand_state(world, NEW), TALK_HAND_DONE);
	assert_int_equal(look(world, NEW, 102, "first").count, 1);
	/* It is the same request: no letter of it is heeded any more. */
	assert_int_equal(hand_state(world, OLD), TALK_HAND_DONE);
	world_destroy(world);
}

/* Two weeks after it was asked for it is over at both ends, and nothing that opens it is left. */
static void test_its_time_ends(void **state)
{
	struct world *world = world_begin(4);

	(void)state;
	add_after(world, "first", OLD, NEW);
	assert_int_equal(hand_ask(world, NEW), SOTTO_OK);
	world_run(world, 10);
	world_link(world, NEW, false);
	world_run(world, 1);
	assert_int_equal(give(world, OLD, 2), SOTTO_OK);
	world_run(world, TALK_HAND_MS / 1000 - 60);
	assert_int_equal(hand_state(world, OLD), TALK_HAND_UNDER_WAY);
	assert_int_equal(hand_state(world, NEW), TALK_HAND_ASKED);
	world_run(world, 120);
	assert_int_equal(hand_state(world, OLD), TALK_HAND_OVER);
	assert_int_equal(hand_state(world, NEW), TALK_HAND_OVER);
	assert_int_equal(talk_of(world, NEW)->taking->key.len, 0);
	world_destroy(world);
}

/* Whoever is out in the middle of it gets nothing more, and gives nothing more. */
static void test_out_meanwhile(void **state)
{
	for (int old = 0; old < 2; old++) {
		struct world *world = world_begin(5 + (uint64_t)old);
		size_t records;

		(void)state;
		say_long(world, 2, 101, LONG_MANY);
		world_run(world, 30);
		add(world, OLD, NEW, "Tablet");
		assert_int_equal(hand_ask(world, NEW), SOTTO_OK);
		world_run(world, 5);
		world_link(world, NEW, false);
		world_run(world, 1);
		assert_int_equal(give(world, OLD, 2), SOTTO_OK);
		world_run(world, 20);
		/* One sheaf and no more is at the relay. */
		records =
			talk_of(world, OLD)->givings.next == &talk_of(world, OLD)->givings ? 0 : 1;
		assert_int_equal(records, 1);
		assert_int_equal(
			CONTAINER_OF(talk_of(world, OLD)->givings.next, struct talk_giving, list)
				->sheaf,
			1);
		if (old)
			retire(world, 0, 1);
		else
			retire(world, OLD, 2);
		world_link(world, NEW, true);
		world_run(world, 60);
		if (old) {
			assert_int_equal(state_of(world, OLD), TALK_REVOKED);
			assert_int_equal(hand_state(world, NEW), TALK_HAND_OVER);
		} else {
			assert_int_equal(state_of(world, NEW), TALK_REVOKED);
			assert_int_equal(hand_state(world, OLD), TALK_HAND_OVER);
		}
		assert_int_equal(hand_of(world, NEW).messages, 0);
		world_destroy(world);
	}
}

/* Several sheaves; either is off, locked or dead in the middle; the relay loses all. Nothing is twice, nothing missing. */
static void test_in_pieces(void **state)
{
	static const struct talk_conversation with = {.kind = TALK_DIRECT, .extension = 102};
	enum { OFF, LOCKED, RESTARTED, RELAY_LOSES, WAYS };

	(void)state;
	for (int way = 0; way < 2 * WAYS; way++) {
		struct world *world = world_begin(20 + (uint64_t)way);
		uint32_t who = way % 2 == 0 ? OLD : NEW;

		say_long(world, 2, 101, LONG_MANY);
		say(world, OLD, 102, "to be taken back");
		say(world, OLD, 102, "to be edited");
		world_run(world, 30);
		add(world, OLD, NEW, "Tablet");
		assert_int_equal(hand_ask(world, NEW), SOTTO_OK);
		world_run(world, 5);
		assert_int_equal(give(world, OLD, 2), SOTTO_OK);
		for (int step = 0; step < 40; step++) {
			world_run_ms(world, 100 + (uint64_t)(step * 7));
			if (step == 3) {
				take_back(world, OLD, 102, "to be taken back");
				edit(world, OLD, 102, "to be edited", "edited");
			}
			if (way / 2 == OFF) {
				world_link(world, who, false);
				world_run(world, 1);
				world_link(world, who, true);
			} else if (way / 2 == LOCKED && step % 4 == 0) {
				world_lock(world_phone(world, who));
				/* What would open a sheaf is out of reach then. */
				if (who == NEW)
					assert_int_equal(talk_of(world, NEW)->taking->key.len, 0);
				world_run(world, 2);
				world_unlock(world_phone(world, who));
				world_settle(world_phone(world, who));
			} else if (way / 2 == RESTARTED) {
				world_restart(world_phone(world, who));
			} else if (way / 2 == RELAY_LOSES && (step == 2 || step == 9)) {
				links(world, 4, false);
				world_run(world, 1);
				fake_relay_lose(world_relay(world));
				links(world, 4, true);
			}
		}
		world_run(world, 3600);
		assert_int_equal(hand_state(world, NEW), TALK_HAND_DONE);
		assert_int_equal(hand_state(world, OLD), TALK_HAND_DONE);
		assert_int_equal(look(world, NEW, 102, "to be taken back").count, 0);
		assert_int_equal(look(world, NEW, 102, "edited").count, 1);
		assert_same(world, &with, LONG_MANY + 2);
		world_destroy(world);
	}
}

/* From asking to the end, whatever happens to one of them. */
static void hand_over_whatever(struct world *world)
{
	static const struct talk_conversation with = {.kind = TALK_DIRECT, .extension = 102};

	while (hand_state(world, OLD) == TALK_HAND_NONE) {
		(void)!hand_ask(world, NEW);
		world_run(world, 10);
	}
	while (hand_state(world, OLD) == TALK_HAND_ASKED) {
		(void)!give(world, OLD, 2);
		world_run(world, 30);
	}
	world_run(world, 60);
	assert_int_equal(hand_state(world, NEW), TALK_HAND_DONE);
	assert_int_equal(hand_state(world, OLD), TALK_HAND_DONE);
	assert_same(world, &with, 2);
}

static struct world *world_with_two(uint64_t seed)
{
	struct world *world = world_begin(seed);

	say(world, 2, 101, "first");
	say(world, OLD, 102, "second");
	world_run(world, 10);
	add(world, OLD, NEW, "Tablet");
	return world;
}

/* One of them dies at any write. */
static void test_deaths(void **state)
{
	uint32_t deaths = 0;

	(void)state;
	for (uint64_t n = 0; n < 60; n += SPARSE(5)) {
		struct world *world = world_with_two(100 + n);
		uint32_t who = n % 2 == 0 ? OLD : NEW;

		world_die_after(world_phone(world, who), n / 2);
		hand_over_whatever(world);
		deaths += world_phone(world, who)->deaths;
		world_destroy(world);
	}
	assert_true(deaths >= 12 / SPARSE(5));
}

/* An allocation or a random call of one of them fails; its engine is thrown away, and loaded again. */
static void test_failures(void **state)
{
	uint32_t failures = 0;

	(void)state;
	for (uint64_t n = 0; n < 80; n += SPARSE(5)) {
		struct world *world = world_with_two(200 + n);
		uint32_t who = n % 2 == 0 ? OLD : NEW;

		world_fail_after(world_phone(world, who), n);
		hand_over_whatever(world);
		failures += world_phone(world, who)->fail_left == UINT64_MAX;
		world_destroy(world);
	}
	assert_true(failures >= 60 / SPARSE(5));
}

/* What was handed over comes by itself later: then that counts, and what was taken back stays so. */
static void test_what_is_here_counts(void **state)
{
	struct world *world = world_begin(7);
	struct talk_conversation with = talk_with(102);
	struct talk_history_item item = {
		.kind = TALK_ROW_TEXT,
		.state = TALK_MESSAGE_RECEIVED,
		.epoch = 1,
		.sequence = 1,
		.received_ms = 1,
		.text = BYTES_TEXT("something else"),
	};
	struct talk_message message;
	struct talk *talk;
	bool added;

	(void)state;
	add_after(world, "first", OLD, NEW);
	say(world, 2, 101, "live");
	world_run(world, 10);
	talk = talk_of(world, NEW);
	message = look(world, NEW, 102, "live").message;
	item.peer = item.author = ledger_member_by_extension(talk_ledger(talk), 102)->id;
	memcpy(item.id, message.id, sizeof(item.id));
	memcpy(item.group, message.place.group, sizeof(item.group));
	assert_true(talk_item_valid(&item));
	/* Neither its text nor an edit of it. */
	item.edits = 7;
	assert_int_equal(talk_item_take(talk, &item, &added), SOTTO_OK);
	assert_false(added);
	/* Of a conversation that this phone is not in. */
	memset(item.id, 1, sizeof(item.id));
	item.peer = ledger_member_by_extension(talk_ledger(talk), 100)->id;
	assert_int_equal(talk_item_take(talk, &item, &added), SOTTO_OK);
	assert_false(added);
	assert_int_equal(talk_batch(talk)->len, 0);
	assert_int_equal(look(world, NEW, 102, "live").count, 1);

	hand_over(world);
	assert_same(world, &with, 1);
	world_destroy(world);
}

/* ---- What is no letter, and no sheaf ---- */

/* A letter of this phone to OLD's inbox, as take.c makes it. */
static void letter_of(struct world *world, uint32_t by, const struct talk_history_ask *ask,
		      struct talk_blob *whole)
{
	struct talk *talk = talk_of(world, by);
	struct talk_letter letter = {.form = TALK_LETTER_FORM};
	struct talk_blob content = {0};
	uint8_t room[TALK_HAND_SIGNED_LEN];
	size_t len;

	assert_int_equal(talk_encode(talk, &talk_history_ask_type, ask, &content), SOTTO_OK);
	letter.content = talk_blob_bytes(&content);
	memcpy(letter.device_key, talk->identity.public_key, LEDGER_KEY_LEN);
	assert_int_equal(
		sign_create(SIGN_ED25519, NULL, secret_bytes(&talk->identity.private_key),
			    talk_hand_signed(talk, "sotto history ask 1",
					     talk_of(world, OLD)->inbox.name, letter.content, room),
			    letter.signature, &len),
		SOTTO_OK);
	assert_int_equal(talk_encode(talk, &talk_letter_type, &letter, whole), SOTTO_OK);
	talk_blob_clear(talk, &content);
}

static bool letter_counts(struct world *world, struct bytes letter)
{
	struct talk *old = talk_of(world, OLD);
	bool counts;

	assert_int_equal(talk_letter_receive(old, letter), SOTTO_OK);
	counts = !list_empty(&old->givings);
	if (counts)
		talk_giving_free(old, CONTAINER_OF(old->givings.next, struct talk_giving, list));
	return counts;
}

static void test_letters(void **state)
{
	struct world *world = world_begin(8);
	struct talk_history_ask ask = {.version = TALK_VERSION}, wrong;
	uint8_t public_key[TALK_INIT_KEY_MAX];
	struct talk_blob letter = {0};
	struct secret key;
	struct talk *old;
	enum kem_alg kem;

	(void)state;
	add(world, OLD, NEW, "Tablet");
	old = talk_of(world, OLD);
	kem = talk_box_suite(old).kem;
	assert_int_equal(kem_generate(kem, old->random, &key, public_key), SOTTO_OK);
	ask.key = BYTES(public_key, kem_public_len(kem));
	ask.stated_ms = utc_ms(world);
	letter_of(world, NEW, &ask, &letter);
	assert_true(letter_counts(world, talk_blob_bytes(&letter)));
	for (size_t len = 0; len < letter.len; len++)
		assert_false(letter_counts(world, BYTES(letter.data, len)));
	for (size_t bit = 0; bit < letter.len * 8; bit++) {
		letter.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(letter_counts(world, talk_blob_bytes(&letter)));
		letter.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	/* Another member's, and one's own. */
	for (uint32_t by = 0; by < 3; by++) {
		letter_of(world, by, &ask, &letter);
		assert_false(letter_counts(world, talk_blob_bytes(&letter)));
	}
	wrong = ask;
	wrong.version = TALK_VERSION + 1;
	letter_of(world, NEW, &wrong, &letter);
	assert_false(letter_counts(world, talk_blob_bytes(&letter)));
	wrong = ask;
	wrong.sheaves = 1;
	letter_of(world, NEW, &wrong, &letter);
	assert_false(letter_counts(world, talk_blob_bytes(&letter)));
	wrong = ask;
	wrong.key.len--;
	letter_of(world, NEW, &wrong, &letter);
	assert_false(letter_counts(world, talk_blob_bytes(&letter)));
	wrong = ask;
	wrong.stated_ms -= TALK_HAND_ASK_MS + 600000;
	letter_of(world, NEW, &wrong, &letter);
	assert_false(letter_counts(world, talk_blob_bytes(&letter)));
	wrong.stated_ms = UINT64_MAX;
	letter_of(world, NEW, &wrong, &letter);
	assert_false(letter_counts(world, talk_blob_bytes(&letter)));
	talk_blob_clear(old, &letter);
	/* Served a second time, an older one ends nothing. */
	assert_int_equal(hand_ask(world, NEW), SOTTO_OK);
	world_run(world, 10);
	assert_int_equal(hand_state(world, OLD), TALK_HAND_ASKED);
	letter_of(world, NEW, &ask, &letter);
	assert_int_equal(talk_letter_receive(old, talk_blob_bytes(&letter)), SOTTO_OK);
	assert_int_equal(hand_of(world, OLD).asked_ms, talk_of(world, NEW)->taking->asked_ms);
	talk_blob_clear(old, &letter);
	secret_wipe(&key);
	world_destroy(world);
}

/* A sheaf of OLD's for the drop of NEW, whole; nothing that differs in one bit or is shorter is one. */
static void test_sheaves(void **state)
{
	struct world *world = world_begin(9);
	struct talk_history_item item = {.kind = TALK_ROW_TEXT,
					 .peer = 1,
					 .author = 2,
					 .state = TALK_MESSAGE_RECEIVED,
					 .sequence = 1,
					 .text = BYTES_TEXT("text")};
	struct talk_history_sheaf content = {
		.version = TALK_VERSION, .number = 1, .items = {.items = &item, .count = 1}};
	struct talk_blob inner = {0}, whole = {0};
	struct talk *old = talk_of(world, OLD);
	uint8_t drop[WIRE_HASH_LEN] = {1}, other[WIRE_HASH_LEN] = {2};
	uint8_t room[TALK_HAND_SIGNED_LEN];
	const uint8_t *key = old->identity.public_key;
	struct talk_sheaf sheaf;
	struct bytes found;
	size_t len;

	(void)state;
	assert_int_equal(talk_encode(old, &talk_history_sheaf_type, &content, &inner), SOTTO_OK);
	sheaf.content = talk_blob_bytes(&inner);
	assert_int_equal(sign_create(SIGN_ED25519, NULL, secret_bytes(&old->identity.private_key),
				     talk_hand_signed(old, "sotto history sheaf 1", drop,
						      sheaf.content, room),
				     sheaf.signature, &len),
			 SOTTO_OK);
	assert_int_equal(talk_encode(old, &talk_sheaf_type, &sheaf, &whole), SOTTO_OK);
	assert_int_equal(talk_sheaf_verify(old, key, drop, talk_blob_bytes(&whole), &found),
			 SOTTO_OK);
	assert_int_equal(talk_sheaf_read(found, &content), SOTTO_OK);
	assert_int_equal(content.items.count, 1);
	assert_int_not_equal(talk_sheaf_verify(old, key, other, talk_blob_bytes(&whole), &found),
			     SOTTO_OK);
	assert_int_not_equal(talk_sheaf_verify(old, talk_of(world, 2)->identity.public_key, drop,
					       talk_blob_bytes(&whole), &found),
			     SOTTO_OK);
	for (size_t i = 0; i < whole.len; i++)
		assert_int_not_equal(
			talk_sheaf_verify(old, key, drop, BYTES(whole.data, i), &found), SOTTO_OK);
	for (size_t bit = 0; bit < whole.len * 8; bit++) {
		whole.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(
			talk_sheaf_verify(old, key, drop, talk_blob_bytes(&whole), &found),
			SOTTO_OK);
		whole.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t i = 0; i < inner.len; i++)
		assert_int_equal(talk_sheaf_read(BYTES(inner.data, i), &content),
				 SOTTO_ERR_INVALID);
	inner.data[0]++;
	assert_int_equal(talk_sheaf_read(talk_blob_bytes(&inner), &content), SOTTO_ERR_INVALID);
	talk_blob_clear(old, &inner);
	talk_blob_clear(old, &whole);
	world_destroy(world);
}

/* One line for each rule that an item must keep. */
static void test_items(void **state)
{
	static const struct talk_history_item text = {
		.kind = TALK_ROW_TEXT,
		.peer = 1,
		.author = 2,
		.state = TALK_MESSAGE_RECEIVED,
		.sequence = 1,
		.text = {(const uint8_t *)"a", 1},
	};
	static const struct talk_history_item notice = {
		.kind = TALK_ROW_NOTICE,
		.from = 100,
		.state = TALK_MESSAGE_RECEIVED,
		.sequence = 1,
		.received_ms = 1,
		.verb = TALK_VERB_CREATED,
		.text = {(const uint8_t *)"a", 1},
	};
	const struct talk_history_reaction reactions[] = {{1, 1, BYTES_TEXT("+1")},
							  {0, 1, BYTES_TEXT("+1")},
							  {1, 0, BYTES_TEXT("+1")},
							  {1, 1, BYTES_TEXT("\xff")}};
	struct talk_history_item item;

#define WITH(base, change) (item = (base), (change), talk_item_valid(&item))
	(void)state;
	assert_true(talk_item_valid(&text));
	assert_true(talk_item_valid(&notice));
	assert_false(WITH(text, item.kind = 0));
	assert_false(WITH(text, item.kind = 3));
	assert_false(WITH(text, item.sequence = 0));
	assert_false(WITH(text, item.author = 0));
	assert_false(WITH(text, item.from = 100));
	assert_false(WITH(text, item.verb = TALK_VERB_LEFT));
	assert_false(WITH(text, item.subject = 1));
	assert_false(WITH(text, item.state = TALK_MESSAGE_QUEUED));
	assert_false(WITH(text, item.state = TALK_MESSAGE_FAILED + 1));
	assert_false(WITH(text, item.text = BYTES_TEXT("\xc3\x28")));
	assert_false(WITH(text, item.deleted = 1));
	assert_true(WITH(text, (item.deleted = 1, item.text = BYTES_NONE)));
	assert_false(WITH(text, (item.deleted = 2, item.text = BYTES_NONE)));
	for (size_t i = 0; i < ARRAY_LEN(reactions); i++) {
		struct wire_list list = {.items = &reactions[i], .count = 1};

		assert_int_equal(WITH(text, item.reactions = list), i == 0);
		assert_false(WITH(notice, item.reactions = list));
	}
	assert_false(WITH(notice, item.author = 1));
	assert_false(WITH(notice, item.state = TALK_MESSAGE_STORED));
	assert_false(WITH(notice, item.verb = TALK_VERB_NONE));
	assert_false(WITH(notice, item.verb = TALK_VERB_DEVICE_GONE + 1));
	assert_false(WITH(notice, item.from = 100000));
	assert_false(WITH(notice, item.subject = 100000));
	assert_false(WITH(notice, item.received_ms = 0));
	assert_false(WITH(notice, item.text = BYTES_TEXT("a\nb")));
	assert_false(WITH(notice, item.verb = TALK_VERB_REMOVED));
	assert_false(WITH(notice, item.edits = 1));
	assert_false(WITH(notice, item.deleted = 1));
#undef WITH
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handed),		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_only_its_person), cmocka_unit_test(test_off_meanwhile),
		cmocka_unit_test(test_its_time_ends),	cmocka_unit_test(test_out_meanwhile),
		cmocka_unit_test(test_in_pieces),	cmocka_unit_test(test_deaths),
		cmocka_unit_test(test_failures),	cmocka_unit_test(test_what_is_here_counts),
		cmocka_unit_test(test_letters),		cmocka_unit_test(test_sheaves),
		cmocka_unit_test(test_items),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
