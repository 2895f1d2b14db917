/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commits that do not fit into one record: they come in parts, and count where their last part stands, on
 * every phone alike, whoever dies, whatever the relay loses and whatever a member puts between the parts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/hash.h"
#include "tests/sparse.h"
#include "tests/talk/inside.h"
#include "tests/talk/steps.h"

#define PHONES	 4
#define EVIL	 3
#define PADDING	 UINT32_C(200000) /* five records: four parts, and what they are */
#define MESSAGES 5

static struct world *settled(uint64_t seed)
{
	struct world *world = world_create(seed);

	world_members(world, PHONES, false);
	world_run(world, 30);
	return world;
}

/* This phone renews its path in *everyone*, with much padding. */
static void large_wish(struct world *world, uint32_t number)
{
	static const struct mls_send_options large = {.handshake = MLS_PRIVATE_MESSAGE,
						      .handshake_padding = PADDING,
						      .tree_in_welcome = true};

	mls_group_set_send_options(everyone_of(world, number)->mls, &large);
	update_wish(world, number, everyone_of(world, number));
}

/* Until its turn has come. */
static void large_begin(struct world *world, uint32_t number)
{
	large_wish(world, number);
	while (everyone_of(world, number)->pending.count == 0)
		world_run_ms(world, 1);
	assert_int_equal(everyone_of(world, number)->pending.count, MESSAGES);
}

/* Everybody is in the same epoch, has nothing left over, and can be written to. */
static void assert_agreed(struct world *world, uint64_t epoch, uint32_t text)
{
	for (uint32_t i = 0; i < PHONES; i++) {
		assert_int_equal(state_of(world, i), TALK_MEMBER);
		/* That the relay has lost something is shown as long as the link is up. */
		assert_int_equal(problems_of(world, i) & ~(UINT32_C(1) << TALK_PROBLEM_LOST), 0);
		assert_int_equal(epoch_at(world, i), epoch);
		assert_int_equal(unfinished(world, i), 0);
		assert_int_equal(rows(world, i, TALK_TABLE_PART), 0);
		assert_int_equal(everyone_of(world, i)->pending.count, 0);
		assert_true(rows(world, i, TALK_TABLE_COMMIT) < TALK_DROPS_MAX);
		assert_true(world_agree(world, 0, i));
	}
	all_write(world, PHONES, UINT32_MAX, text);
}

static bool same_epoch(struct world *world, uint64_t epoch)
{
	for (uint32_t i = 0; i < PHONES; i++) {
		if (epoch_at(world, i) != epoch)
			return false;
	}
	return true;
}

static void test_comes_in_parts(void **state)
{
	struct world *world = settled(900);
	uint64_t epoch = epoch_at(world, 0);
	size_t before = fake_relay_records(world_relay(world));

	(void)state;
	large_begin(world, 1);
	for (uint32_t ms = 0; ms < 4000 && (unfinished(world, 0) == 0 || unfinished(world, 1) == 0);
	     ms += 5)
		world_run_ms(world, 5);
	/* Under way: on nobody's phone does it count. */
	assert_true(unfinished(world, 0) == 1 && unfinished(world, 1) == 1);
	assert_true(rows(world, 0, TALK_TABLE_PART) > 0);
	assert_int_equal(epoch_at(world, 0), epoch);
	world_run(world, 20);
	assert_int_equal(fake_relay_records(world_relay(world)), before + MESSAGES);
	assert_agreed(world, epoch + 1, 1);
	world_destroy(world);
}

/* Two at once, their parts among each other: one wins, the other comes in the next epoch. */
static void test_two_at_once(void **state)
{
	uint32_t interleaved = 0;

	(void)state;
	for (uint64_t seed = 910; seed < 916; seed++) {
		struct world *world = settled(seed);
		uint64_t epoch = epoch_at(world, 0);
		bool two = false;

		/* The one who is second by rank wants it so much earlier that both go at once. */
		large_wish(world, 1);
		large_wish(world, 2);
		for (uint32_t ms = 0; ms < 4000; ms += 5) {
			world_run_ms(world, 5);
			two = two || unfinished(world, 0) == 2;
		}
		interleaved += two;
		world_run(world, 30);
		assert_agreed(world, epoch + 2, 1);
		world_destroy(world);
	}
	assert_true(interleaved > 0);
}

/* One phone dies at its nth store action: the committer, or one that follows. */
static void dies_everywhere(uint32_t number)
{
	uint32_t deaths = 0;

	for (uint64_t n = 0;; n += SPARSE(4)) {
		struct world *world = settled(920 + n);
		uint64_t epoch = epoch_at(world, 0);
		bool died;

		world_die_after(world_phone(world, number), n);
		large_wish(world, 1);
		world_run(world, 30);
		died = world_phone(world, number)->deaths > 0;
		deaths += died;
		/* Who died before anything was stored has no wish any more. */
		if (number == 1 && epoch_at(world, 0) == epoch) {
			assert_true(n < 8);
			large_wish(world, 1);
			world_run(world, 30);
		}
		world_die_after(world_phone(world, number), UINT64_MAX);
		assert_agreed(world, epoch + 1, 1);
		world_destroy(world);
		if (!died)
			break;
	}
	assert_true(deaths > 2 * MESSAGES / SPARSE(4));
}

static void test_dies_everywhere(void **state)
{
	(void)state;
	dies_everywhere(1);
	dies_everywhere(2);
}

/* The relay loses everything while parts are on their way, at each moment of it. */
static void test_lost_on_the_way(void **state)
{
	uint32_t half = 0, late = 0, all = 0;

	(void)state;
	for (uint32_t ms = 20; ms < 1000; ms += 40 * SPARSE(4)) {
		struct world *world = settled(930 + ms);
		uint64_t epoch = epoch_at(world, 0) + 1;

		large_begin(world, 1);
		world_run_ms(world, ms);
		half += unfinished(world, 2) > 0;
		links(world, PHONES, false);
		world_run(world, 1);
		fake_relay_lose(world_relay(world));
		links(world, PHONES, true);
		world_run(world, 60);
		all++;
		/* Some had read it whole, and who had not was brought back before its author had put it there again. */
		if (!same_epoch(world, epoch)) {
			late++;
			world_run(world, 300);
			epoch = epoch_at(world, 0);
		}
		assert_agreed(world, epoch, 1);
		world_destroy(world);
	}
	assert_true(half > 3 / SPARSE(4));
	assert_true(late <= (all + 7) / 8);
}

/* One phone was off when a commit in parts won, and the relay has lost it since: its author has it. */
static void test_lost_when_won(void **state)
{
	(void)state;
	for (uint32_t restarts = 0; restarts < 2; restarts++) {
		struct world *world = settled(940 + restarts);
		uint64_t epoch = epoch_at(world, 0);

		world_link(world, 2, false);
		world_run(world, 1);
		large_wish(world, 1);
		world_run(world, 20);
		assert_int_equal(epoch_at(world, 0), epoch + 1);
		links(world, PHONES, false);
		world_run(world, 1);
		fake_relay_lose(world_relay(world));
		links(world, PHONES, true);
		/* Its author dies while it is being sent again: now with one part there, now with more. */
		for (uint32_t i = 0; restarts != 0 && i < 8; i++) {
			world_run_ms(world, 200 + 40 * i);
			world_restart(world_phone(world, 1));
		}
		world_run(world, 60);
		assert_agreed(world, epoch + 1, 1);
		world_destroy(world);
	}
}

/* A member appends whatever it likes. */
static void content_post(struct world *world, uint32_t number, struct bytes content)
{
	struct talk *talk = talk_of(world, number);
	const struct talk_drop *drop = &everyone_of(world, number)->drops[0];
	struct talk_blob record = {0};
	struct talk_asked *asked;

	assert_int_equal(
		talk_step_begin(talk, world_now(world), WORLD_UTC_MS + world_now(world) / 1000000),
		SOTTO_OK);
	assert_int_equal(talk_record_seal(talk, drop, content, &record), SOTTO_OK);
	assert_int_equal(talk_ask_append(talk, TALK_ASK_APPEND_PETITION, drop->append_token,
					 drop->read_hash, drop->flags, talk_blob_bytes(&record),
					 &asked),
			 SOTTO_OK);
	assert_int_equal(talk_step_end(talk, SOTTO_OK), SOTTO_OK);
	talk_blob_clear(talk, &record);
	world_settle(world_phone(world, number));
}

static void part_post(struct world *world, const struct talk_part *part)
{
	struct talk_blob encoded = {0};

	assert_int_equal(talk_encode(talk_of(world, EVIL), &talk_part_type, part, &encoded),
			 SOTTO_OK);
	content_post(world, EVIL, talk_blob_bytes(&encoded));
	talk_blob_clear(talk_of(world, EVIL), &encoded);
}

/* A beginning that is right, of a message that never comes. */
static void beginning_post(struct world *world, uint32_t number)
{
	uint8_t hashes[3 * WIRE_HASH_LEN] = {(uint8_t)number, (uint8_t)(number >> 8)};
	uint8_t digest[WIRE_HASH_LEN];
	struct talk_part part = {.version = TALK_VERSION, .count = 4, .bytes = BYTES_OF(hashes)};
	struct hash hash;

	hash_init(&hash, HASH_SHA256);
	hash_update(&hash, BYTES_TEXT("sotto parts 1"));
	hash_update(&hash, BYTES_OF(hashes));
	hash_final(&hash, digest);
	memcpy(part.id, digest, sizeof(part.id));
	part_post(world, &part);
}

/* Parts under the name of the one that is coming: nobody takes them for its own. */
static void test_strange_parts(void **state)
{
	static const uint8_t junk[WIRE_HASH_LEN] = {1, 2, 3};
	struct world *world = settled(950);
	uint64_t epoch = epoch_at(world, 0);
	const struct talk_coming *coming;
	struct talk_part part = {.version = TALK_VERSION};

	(void)state;
	large_begin(world, 1);
	while (unfinished(world, EVIL) == 0)
		world_run_ms(world, 1);
	coming = CONTAINER_OF(everyone_of(world, EVIL)->coming.next, struct talk_coming, list);
	memcpy(part.id, coming->id, sizeof(part.id));
	part.count = coming->count;
	part.bytes = BYTES_OF(junk);
	for (part.number = 0; part.number < 8; part.number++)
		part_post(world, &part);
	part.number = 1;
	part.count = UINT16_MAX;
	part_post(world, &part);
	part.version = 2;
	part_post(world, &part);
	/* A beginning whose name is another one; none at all; one without anything. */
	memset(part.id, 7, sizeof(part.id));
	part = (struct talk_part){.version = TALK_VERSION, .count = 2, .bytes = BYTES_OF(junk)};
	part_post(world, &part);
	part.count = 0;
	part_post(world, &part);
	part.count = 1;
	part.bytes = BYTES_NONE;
	part_post(world, &part);
	content_post(world, EVIL, BYTES_TEXT("\1"));
	world_run(world, 20);
	assert_agreed(world, epoch + 1, 1);
	world_destroy(world);
}

/* Beginnings without end: a bounded number of them is kept, and who is pushed out by them comes again. */
static void test_endless_beginnings(void **state)
{
	struct world *world = settled(960);
	uint64_t epoch = epoch_at(world, 0);
	const struct talk_records *pending = &everyone_of(world, 1)->pending;
	uint8_t first[WIRE_HASH_LEN];
	bool again = false;

	(void)state;
	large_begin(world, 1);
	memcpy(first, pending->items[0].data, sizeof(first));
	for (uint32_t i = 0; i < 40; i++) {
		beginning_post(world, 2 * i);
		beginning_post(world, 2 * i + 1);
		world_run_ms(world, 40);
		for (uint32_t k = 0; k < PHONES; k++)
			assert_true(unfinished(world, k) <= TALK_UNFINISHED_MAX);
		assert_int_equal(epoch_at(world, 0), epoch);
		if (i == 20)
			world_restart(world_phone(world, 0));
		again = again || memcmp(first, pending->items[0].data, sizeof(first)) != 0;
	}
	assert_true(again);
	world_run(world, 30);
	assert_agreed(world, epoch + 1, 1);
	world_destroy(world);
}

/* Whole, and no frame in it. */
static void test_nonsense_in_parts(void **state)
{
	struct world *world = settled(970);
	struct talk *talk = talk_of(world, EVIL);
	struct talk_group *group = everyone_of(world, EVIL);
	static uint8_t plain[150000], message[160000];
	struct talk_records records = {0};
	size_t len;

	(void)state;
	plain[0] = TALK_VERSION;
	assert_int_equal(talk_ratchets_reserve(group), SOTTO_OK);
	assert_int_equal(mls_group_protect(group->mls, BYTES_NONE, BYTES_OF(plain), 0, message,
					   sizeof(message), &len),
			 SOTTO_OK);
	assert_int_equal(
		talk_message_seal(talk, &group->drops[0], BYTES(message, len), NULL, &records),
		SOTTO_OK);
	assert_int_equal(records.count, 4);
	for (size_t i = 0; i < records.count; i++) {
		struct talk_blob content = {0};

		assert_int_equal(talk_record_open(talk, &group->drops[0],
						  talk_blob_bytes(&records.items[i]), &content),
				 SOTTO_OK);
		content_post(world, EVIL, talk_blob_bytes(&content));
		talk_blob_clear(talk, &content);
		world_run(world, 1);
	}
	talk_records_clear(talk, &records);
	world_run(world, 5);
	assert_agreed(world, epoch_at(world, 0), 1);

	/* What no message of this network can be is not sent at all. */
	for (size_t parts = TALK_MESSAGE_PARTS_MAX; parts <= TALK_MESSAGE_PARTS_MAX + 1; parts++) {
		struct talk_blob long_one = {.len = parts * TALK_PART_MAX};

		long_one.data = talk_take(talk, long_one.len);
		assert_int_equal(talk_message_seal(talk, &group->drops[0],
						   talk_blob_bytes(&long_one), NULL, &records),
				 parts <= TALK_MESSAGE_PARTS_MAX ? SOTTO_OK : SOTTO_ERR_LIMIT);
		talk_blob_clear(talk, &long_one);
	}
	assert_int_equal(records.count, TALK_MESSAGE_PARTS_MAX + 1);
	talk_records_clear(talk, &records);
	world_destroy(world);
}

#define CROWD	    64 /* the tree has a row of its own from 64 on */
#define CROWD_EARLY 11

/* Records of the longest commit that is under way; who is in already lets others in. */
static size_t larger_pending(struct world *world, size_t largest)
{
	for (uint32_t i = 0; i < CROWD; i++) {
		const struct talk_group *everyone = everyone_of(world, i);
		size_t count = everyone == NULL ? 0 : everyone->pending.count;

		largest = count > largest ? count : largest;
	}
	return largest;
}

static bool tree_stored(struct world *world, uint32_t number)
{
	struct writer value;
	enum sotto_err err;

	writer_init_growing(&value, &allocator_default);
	err = store_get(&world_phone(world, number)->reader, TALK_TABLE_TREE, BYTES_NONE,
			everyone_of(world, number)->number, &value);
	writer_release(&value);
	return err == SOTTO_OK;
}

/*
 * A network that grows by 53 at once: those who add them need no path, and the first one over a tree that has hardly any
 * parents is too long for a record. All are where everybody is in the end, over
 * restarts, too.
 */
static void test_crowd(void **state)
{
	struct world *world = world_create_of(980, CROWD);
	size_t largest = 0;
	uint64_t before;

	(void)state;
	world_members(world, CROWD_EARLY, false);
	for (uint32_t i = CROWD_EARLY; i < CROWD; i++) {
		world_invite(world, i);
		world_join(world, i);
		world_link(world, i, false);
	}
	world_run(world, 10);
	/* Their petitions are all there when somebody looks. */
	links(world, CROWD_EARLY, false);
	world_run(world, 1);
	for (uint32_t i = CROWD_EARLY; i < CROWD; i++)
		world_link(world, i, true);
	world_run(world, 5);
	/* The founder puts all into the ledger, and goes off before it adds most of them: somebody else does. */
	before = ledger_length(talk_ledger(world_phone(world, 0)->talk));
	world_link(world, 0, true);
	while (ledger_length(talk_ledger(world_phone(world, 0)->talk)) <
	       before + CROWD - CROWD_EARLY)
		world_run_ms(world, 1);
	world_link(world, 0, false);
	for (uint32_t i = 1; i < CROWD_EARLY; i++)
		world_link(world, i, true);
	world_run(world, 80);
	world_link(world, 0, true);
	world_run(world, 180);
	for (uint32_t i = 0; i < CROWD; i++) {
		assert_int_equal(state_of(world, i), TALK_MEMBER);
		assert_int_equal(problems_of(world, i), 0);
		assert_int_equal(mls_group_member_count(everyone_of(world, i)->mls), CROWD);
		assert_int_equal(epoch_at(world, i), epoch_at(world, 0));
		assert_int_equal(rows(world, i, TALK_TABLE_PART), 0);
		assert_true(world_agree(world, 0, i));
	}
	/* With X-Wing, by nature. */
	before = epoch_at(world, 2);
	update_wish(world, 2, everyone_of(world, 2));
	while (epoch_at(world, 2) == before) {
		largest = larger_pending(world, largest);
		world_run_ms(world, 1);
	}
	if (getenv("SOTTO_TEST_SUITE") == NULL)
		assert_true(largest >= 3);
	assert_true(world_send(world, 1, CROWD - 1, 1));
	assert_true(world_send(world, CROWD - 1, CROWD_EARLY, 1));
	world_run(world, 60);
	assert_int_equal(world_received(world, 1, CROWD - 1, 1), 1);
	assert_int_equal(world_received(world, CROWD - 1, CROWD_EARLY, 1), 1);
	/* From their stores, with a commit between: first with the tree as it was, then with one that differs from it. */
	for (uint32_t round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < CROWD; i++) {
			assert_true(tree_stored(world, i));
			world_restart(world_phone(world, i));
		}
		world_run(world, 60);
		before = epoch_at(world, 0);
		large_wish(world, 1);
		world_run(world, 60);
		for (uint32_t i = 0; i < CROWD; i++) {
			assert_int_equal(state_of(world, i), TALK_MEMBER);
			assert_true(epoch_at(world, i) > before);
			assert_true(world_agree(world, 0, i));
		}
	}
	world_destroy(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comes_in_parts),
		cmocka_unit_test(test_two_at_once),
		cmocka_unit_test(test_dies_everywhere),
		cmocka_unit_test(test_lost_on_the_way),
		cmocka_unit_test(test_lost_when_won),
		cmocka_unit_test(test_strange_parts),
		cmocka_unit_test(test_endless_beginnings),
		cmocka_unit_test(test_nonsense_in_parts),
		cmocka_unit_test(test_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
