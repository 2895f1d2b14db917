/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What counts by its place in a drop, and what a phone reads before it sends: the records behind the winning
 * commit, and that nothing leaves for an epoch that has ended.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/talk/inside.h"
#include "tests/talk/steps.h"

/* The first record that leaves one phone for the present drop of one of its groups. */
struct caught {
	const struct talk *talk;
	uint8_t name[WIRE_HASH_LEN];
	uint8_t sealed[WIRE_RECORD_LEN_1];
	bool is;
};

static void catch (void *context, const struct talk *talk, struct bytes request)
{
	struct caught *caught = context;
	uint8_t name[WIRE_HASH_LEN];
	struct bytes sealed;

	if (talk != caught->talk || caught->is || !append_read(request, name, &sealed) ||
	    memcmp(name, caught->name, WIRE_HASH_LEN) != 0)
		return;
	assert_int_equal(sealed.len, sizeof(caught->sealed));
	memcpy(caught->sealed, sealed.data, sealed.len);
	caught->is = true;
}

/* Phone 1's text is on its way to phone 0, and gets no further: its link is down. The conversation is returned. */
static struct talk_group *text_caught(struct world *world, struct caught *caught)
{
	struct talk_group *group;

	world_members(world, 2, false);
	all_write(world, 2, UINT32_MAX, 0);
	group = direct_of(world, 0, 1);
	*caught = (struct caught){.talk = talk_of(world, 1)};
	memcpy(caught->name, group->drops[0].name, WIRE_HASH_LEN);
	world_listen(world, catch, caught);
	assert_true(world_send(world, 1, 0, 1));
	world_link(world, 1, false);
	assert_true(caught->is);
	return group;
}

/*
 * Phone 1 says something in an epoch that phone 0 has ended, and it comes to stand so many records behind the
 * commit: 1 is the next one.
 */
static void late_text(uint64_t seed, uint32_t behind, bool counts)
{
	struct world *world = world_create(seed);
	struct caught caught;
	struct talk_group *group = text_caught(world, &caught);
	uint8_t junk[WIRE_RECORD_LEN_1] = {0};
	uint64_t epoch = epoch_of(group);

	update_wish(world, 0, group);
	world_run(world, 5);
	assert_int_equal(epoch_of(group), epoch + 1);
	assert_memory_equal(group->drops[1].name, caught.name, WIRE_HASH_LEN);
	assert_int_equal(group->drops[1].winner, group->drops[1].sequence);
	for (uint32_t i = 1; i < behind; i++) {
		memcpy(junk, &i, sizeof(i));
		fake_relay_put(world_relay(world), caught.name, BYTES_OF(junk));
	}
	fake_relay_put(world_relay(world), caught.name, BYTES_OF(caught.sealed));
	world_run(world, 30);
	assert_int_equal(group->drops[1].sequence, group->drops[1].winner + behind);
	assert_int_equal(world_received(world, 1, 0, 1), counts ? 1 : 0);

	/* Its sender reads where it stands, judges alike, and says it again if it did not count. */
	world_link(world, 1, true);
	world_run(world, 60);
	assert_int_equal(world_received(world, 1, 0, 1), 1);
	assert_int_equal(world_sent_state(world, 1, 0, 1), TALK_MESSAGE_DELIVERED);
	assert_int_equal(problems_of(world, 0), 0);
	assert_int_equal(problems_of(world, 1), 0);
	assert_true(world_agree(world, 0, 1));
	world_destroy(world);
}

static void test_records_behind_the_commit(void **state)
{
	static const struct {
		uint32_t behind;
		bool counts;
	} cases[] = {{1, true}, {255, true}, {256, true}, {257, false}};

	(void)state;
	assert_int_equal(TALK_LATE_MAX, 256);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		late_text(300 + i, cases[i].behind, cases[i].counts);
}

/* The place of the text that stands at this place of a phone's history. */
static struct talk_place place_at(struct world *world, uint32_t number, uint32_t peer, size_t at)
{
	struct talk_conversation with = talk_with(100 + peer);
	struct talk_history history = {0};
	struct talk_place place;
	struct talk_owner owner;

	assert_int_equal(talk_conversation_owner(talk_of(world, number), &with, &owner), SOTTO_OK);
	assert_int_equal(
		talk_history_read(&world_phone(world, number)->reader, &owner, 0, &history),
		SOTTO_OK);
	assert_true(at < history.count);
	place = history.rows[at].place;
	talk_history_release(&history);
	return place;
}

/*
 * A text that its sender said again in the next epoch turns up behind the commit of the one before, where it
 * counts: it stands there for everybody, also for who had read the later copy, or was locked.
 */
static void late_copy(uint64_t seed, bool locked)
{
	struct world *world = world_create(seed);
	struct caught caught;
	struct talk_group *group = text_caught(world, &caught);
	struct talk_place place;
	size_t placeless;
	uint64_t epoch = epoch_of(group);

	update_wish(world, 0, group);
	world_run(world, 5);
	assert_true(world_send(world, 0, 1, 1));
	world_run(world, 5);
	world_link(world, 1, true);
	world_run(world, 20);
	assert_int_equal(world_received(world, 1, 0, 1), 1);
	assert_int_equal(world_sent_state(world, 1, 0, 1), TALK_MESSAGE_DELIVERED);
	for (uint32_t i = 0; i < 2; i++) {
		place = place_at(world, i, 1 - i, 3);
		assert_int_equal(place.epoch, epoch + 1);
		if (locked)
			world_lock(world_phone(world, i));
	}
	fake_relay_put(world_relay(world), caught.name, BYTES_OF(caught.sealed));
	links(world, 2, false);
	world_run(world, 1);
	links(world, 2, true);
	world_run(world, 20);
	for (uint32_t i = 0; i < 2; i++) {
		if (locked)
			world_unlock(world_phone(world, i));
		place = place_at(world, i, 1 - i, 2);
		assert_int_equal(place.epoch, epoch);
		place = place_at(world, i, 1 - i, 3);
		assert_int_equal(place.epoch, epoch + 1);
		assert_int_equal(history_of(world, i, 1 - i, &placeless), 4);
		assert_int_equal(placeless, 0);
	}
	assert_true(histories_equal(world, 0, 1));
	assert_int_equal(world_received(world, 1, 0, 1), 1);
	world_destroy(world);
}

static void test_late_copy(void **state)
{
	(void)state;
	late_copy(420, false);
	late_copy(421, true);
}

/* Does a phone have rows whose order is not the one in which they came? */
static bool out_of_turn(struct world *world, uint32_t number, uint32_t peer)
{
	struct talk_conversation with = talk_with(100 + peer);
	struct talk_history history = {0};
	struct talk_owner owner;
	bool found = false;

	assert_int_equal(talk_conversation_owner(talk_of(world, number), &with, &owner), SOTTO_OK);
	assert_int_equal(
		talk_history_read(&world_phone(world, number)->reader, &owner, 0, &history),
		SOTTO_OK);
	for (size_t i = 1; i < history.count; i++)
		found = found || history.rows[i].row < history.rows[i - 1].row;
	talk_history_release(&history);
	return found;
}

/*
 * Both write without waiting for each other while both commit, so that texts come to stand behind winning
 * commits, are sent again, and are read in another order than they stand. In the end both show the same.
 */
static void test_same_order_everywhere(void **state)
{
	uint32_t turns = 0;

	(void)state;
	for (uint64_t seed = 400; seed < 412; seed++) {
		struct world *world = world_create(seed);
		size_t placeless;
		uint32_t texts = 0;

		world_members(world, 2, false);
		all_write(world, 2, UINT32_MAX, texts++);
		for (uint32_t round = 0; round < 12; round++) {
			update_wish(world, round % 2, direct_of(world, round % 2, 1 - round % 2));
			for (uint32_t i = 0; i < 6; i++, texts++) {
				assert_true(world_send(world, 0, 1, texts));
				world_run_ms(world, (seed * 7 + round * 13 + i * 29) % 60);
				assert_true(world_send(world, 1, 0, texts));
				world_run_ms(world, (seed * 11 + round * 17 + i * 31) % 60);
			}
			if (round == 5)
				links(world, 2, false);
			world_run_ms(world, 100);
			if (round == 5)
				links(world, 2, true);
			world_run(world, round % 3 * 2);
		}
		world_run(world, 60);
		for (uint32_t i = 0; i < 2; i++) {
			assert_int_equal(history_of(world, i, 1 - i, &placeless), 2 * texts);
			assert_int_equal(placeless, 0);
			turns += out_of_turn(world, i, 1 - i);
		}
		assert_true(histories_equal(world, 0, 1));
		world_destroy(world);
	}
	assert_true(turns > 0);
}

/* Appends of one phone into conversations, and whether each is for the epoch in which the other one is. */
struct epochs {
	const struct talk *talk;
	const struct talk_group *other;
	uint32_t present, past;
};

static void compare_epochs(void *context, const struct talk *talk, struct bytes request)
{
	struct epochs *epochs = context;
	uint8_t name[WIRE_HASH_LEN];
	struct bytes sealed;

	if (talk != epochs->talk || !append_read(request, name, &sealed))
		return;
	for (size_t i = 0; i < epochs->other->drop_count; i++) {
		if (memcmp(epochs->other->drops[i].name, name, WIRE_HASH_LEN) != 0)
			continue;
		epochs->present += i == 0;
		epochs->past += i != 0;
	}
}

/*
 * A phone that does not watch a conversation, as it has few streams, reads it to the end before it sends:
 * what the other one ended meanwhile is over for it, too.
 */
static void test_reads_before_it_sends(void **state)
{
	uint32_t unwatched = 0;

	(void)state;
	for (uint64_t seed = 310; seed < 320; seed++) {
		struct world *world = world_create(seed);
		struct epochs epochs = {0};
		uint64_t epoch;

		world_watches(world, 0, 4);
		world_members(world, 5, false);
		for (uint32_t i = 1; i < 5; i++)
			assert_true(world_send(world, 0, i, 0));
		world_run(world, 60);
		for (uint32_t i = 1; i < 5; i++) {
			struct talk_group *own = direct_of(world, 0, i);

			epochs = (struct epochs){.talk = talk_of(world, 0),
						 .other = direct_of(world, i, 0)};
			unwatched += !own->drops[0].watched;
			epoch = epoch_of(own);
			/* Longer than what was read a moment ago counts, shorter than until it is read again. */
			world_run(world, 20);
			while (!own->drops[0].watched &&
			       world_now(world) > own->drops[0].read_ns + 100000000)
				world_run_ms(world, 20);
			update_wish(world, i, direct_of(world, i, 0));
			world_run(world, 4);
			assert_int_equal(epoch_of(epochs.other), epoch + 1);
			if (!own->drops[0].watched)
				assert_int_equal(epoch_of(own), epoch);
			world_listen(world, compare_epochs, &epochs);
			assert_true(world_send(world, 0, i, 1));
			world_run(world, 5);
			world_listen(world, NULL, NULL);
			assert_int_equal(epochs.past, 0);
			assert_true(epochs.present > 0);
			world_run(world, 10);
			assert_int_equal(world_received(world, 0, i, 1), 1);
		}
		world_destroy(world);
	}
	assert_true(unwatched > 0);
}

/* What one phone says; can another one, which knows what it knew at its end, open any of it? */
struct eavesdropper {
	const struct talk *speaker, *removed;
	uint32_t heard, opened;
};

/* The commit that removes it does stand where it reads; nothing else may. */
static bool opens_what_is_said(const struct talk *talk, const struct talk_drop *drop,
			       struct bytes sealed)
{
	struct talk_blob message = {0};
	struct mls_message_info info;
	bool opens = talk_record_open(talk, drop, sealed, &message) == SOTTO_OK &&
		     (mls_message_read(talk_blob_bytes(&message), &info) != SOTTO_OK ||
		      info.content_type != MLS_CONTENT_COMMIT);

	talk_blob_clear(talk, &message);
	return opens;
}

static void eavesdrop(void *context, const struct talk *talk, struct bytes request)
{
	struct eavesdropper *ear = context;
	uint8_t name[WIRE_HASH_LEN];
	struct bytes sealed;

	if (talk != ear->speaker || !append_read(request, name, &sealed))
		return;
	ear->heard++;
	list_for_each (element, following, &ear->removed->groups) {
		const struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		for (size_t i = 0; i < group->drop_count; i++)
			ear->opened += opens_what_is_said(ear->removed, &group->drops[i], sealed);
	}
}

/*
 * A phone comes back that was off while somebody was removed, and has much to say. What has been removed has
 * everything that it ever knew, and all that the relay holds; it opens nothing of that. The control: before
 * the removal it opens what is said in *everyone*.
 */
static void test_removed_sees_nothing(void **state)
{
	uint32_t trials = 0;

	(void)state;
	for (uint64_t seed = 330; seed < 340; seed++) {
		struct world *world = world_create(seed);
		struct world_phone *founder = world_phone(world, 0);
		struct eavesdropper ear;

		world_members(world, 4, false);
		all_write(world, 4, UINT32_MAX, 0);
		ear = (struct eavesdropper){talk_of(world, 0), talk_of(world, 3), 0, 0};
		world_link(world, 3, false);
		world_run(world, 1);
		world_listen(world, eavesdrop, &ear);
		world_phone(world, 0)->invited = 0;
		world_invite(world, 5);
		assert_true(ear.opened > 0);

		/* The entry leaves the founder's phone, and that goes off; others remove. */
		revoke(world, 3);
		while (ledger_member_by_extension(talk_ledger(talk_of(world, 1)), 103)->state !=
		       LEDGER_MEMBER_REVOKED)
			world_run_ms(world, 1);
		world_link(world, 0, false);
		world_run(world, 30);
		assert_int_equal(mls_group_member_count(talk_of(world, 1)->everyone->mls), 3);
		/* The founder himself was the first by rank. */
		if (mls_group_member_count(talk_of(world, 0)->everyone->mls) == 3) {
			world_destroy(world);
			continue;
		}
		trials++;
		assert_int_equal(talk_invite(founder->talk, 106, BYTES_TEXT("Dee"), 86400000,
					     world_now(world), founder->talk->utc_ms),
				 SOTTO_OK);
		world_settle(founder);
		assert_true(world_send(world, 0, 1, 1));
		ear.heard = ear.opened = 0;
		world_link(world, 0, true);
		world_run(world, 60);
		assert_int_equal(world_received(world, 0, 1, 1), 1);
		assert_int_equal(founder->invited, 106);
		assert_true(ear.heard >= 2);
		assert_int_equal(ear.opened, 0);
		world_destroy(world);
	}
	assert_true(trials > 5);
}

/*
 * Who comes back with something for somebody who was taken out meanwhile reads that first, and sends nothing;
 * also if it stands in a later epoch of *everyone* than the one that is read first.
 */
static void test_removed_peer_gets_nothing(void **state)
{
	(void)state;
	for (uint64_t seed = 340; seed < 360; seed++) {
		struct world *world = world_create(seed);
		struct eavesdropper ear;

		world_members(world, 4, false);
		all_write(world, 4, UINT32_MAX, 0);
		ear = (struct eavesdropper){talk_of(world, 1), talk_of(world, 3), 0, 0};
		world_link(world, 3, false);
		world_listen(world, eavesdrop, &ear);
		assert_true(world_send(world, 1, 3, 1));
		world_run(world, 1);
		assert_true(ear.opened > 0);
		world_link(world, 1, false);
		assert_true(world_send(world, 1, 3, 2));
		/* The relay takes no new key: nothing but what it reads itself keeps this phone from sending. */
		fake_relay_busy(world_relay(world), UINT32_MAX);
		revoke(world, 2);
		world_run(world, 30);
		revoke(world, 3);
		world_run(world, 30);
		ear.heard = ear.opened = 0;
		world_link(world, 1, true);
		world_run(world, 60);
		assert_true(ear.heard > 0);
		assert_int_equal(ear.opened, 0);
		assert_int_equal(world_sent_state(world, 1, 3, 2), TALK_MESSAGE_FAILED);
		world_destroy(world);
	}
}

/* ---- Requests that overtake each other ---- */

/* What leaves for one drop: records, each once. */
struct left {
	const struct talk *from[2];
	uint8_t name[WIRE_HASH_LEN];
	uint8_t sealed[6][WIRE_RECORD_LEN_1];
	size_t count;
};

static void note(void *context, const struct talk *talk, struct bytes request)
{
	struct left *left = context;
	uint8_t name[WIRE_HASH_LEN];
	struct bytes sealed;

	if ((talk != left->from[0] && talk != left->from[1]) ||
	    !append_read(request, name, &sealed) || memcmp(name, left->name, WIRE_HASH_LEN) != 0)
		return;
	for (size_t i = 0; i < left->count; i++) {
		if (bytes_equal(BYTES_OF(left->sealed[i]), sealed))
			return;
	}
	assert_true(left->count < ARRAY_LEN(left->sealed));
	assert_int_equal(sealed.len, WIRE_RECORD_LEN_1);
	memcpy(left->sealed[left->count++], sealed.data, sealed.len);
}

/* Two texts that wait at their sender. */
struct two_texts {
	const struct talk *sender;
	uint64_t first; /* its serial; the second's is the next one */
};

static struct two_texts two_waiting(struct world *world)
{
	const struct talk_group *group = direct_of(world, 0, 1);
	const struct talk_out *first = CONTAINER_OF(group->outbox.next, struct talk_out, list);

	assert_int_equal(first->type, TALK_BODY_TEXT);
	return (struct two_texts){talk_of(world, 0), first->serial};
}

/* A receipt for the second, and not for the first. */
static void second_only(struct talk_frame *frame, const void *context)
{
	static uint8_t buffer[256];
	const struct two_texts *texts = context;
	struct talk_gap second = {.serial = texts->first + 1};
	struct talk_has has = {.floor = texts->first - 1, .above = {.items = &second, .count = 1}};
	struct talk_receipt receipt = {.has = {.items = &has, .count = 1}};
	struct writer writer;

	memcpy(has.device_key, texts->sender->identity.public_key, LEDGER_KEY_LEN);
	writer_init_fixed(&writer, buffer, sizeof(buffer));
	assert_int_equal(wire_encode(&talk_receipt_type, &receipt, &writer), SOTTO_OK);
	frame->type = TALK_BODY_RECEIPT;
	frame->body = writer_bytes(&writer);
}

/*
 * Phone 1 has the second text, and says so while it has not read the first. Where that one stands behind the second
 * it will be read; where it stands before it was lost, and is sealed anew.
 */
static void overtaken(uint64_t seed, bool in_order)
{
	struct world *world = world_create(seed);
	struct left left = {.count = 0};
	struct two_texts texts;
	size_t first = in_order ? 0 : 1;

	world_members(world, 2, false);
	all_write(world, 2, UINT32_MAX, 0);
	left.from[0] = talk_of(world, 0);
	left.from[1] = talk_of(world, 1);
	memcpy(left.name, direct_of(world, 0, 1)->drops[0].name, WIRE_HASH_LEN);
	world_listen(world, note, &left);
	assert_true(world_send(world, 0, 1, 1));
	assert_true(world_send(world, 0, 1, 2));
	world_link(world, 0, false);
	texts = two_waiting(world);
	frame_post(world, 1, direct_of(world, 1, 0), second_only, &texts);
	world_link(world, 1, false);
	assert_int_equal(left.count, 3);
	fake_relay_put(world_relay(world), left.name, BYTES_OF(left.sealed[first]));
	fake_relay_put(world_relay(world), left.name, BYTES_OF(left.sealed[1 - first]));
	fake_relay_put(world_relay(world), left.name, BYTES_OF(left.sealed[2]));
	left.from[1] = NULL;
	world_link(world, 0, true);
	world_run(world, 20);
	assert_int_equal(left.count, in_order ? 4 : 3);
	world_link(world, 1, true);
	world_run(world, 20);
	for (uint32_t i = 1; i <= 2; i++) {
		assert_int_equal(world_received(world, 0, 1, i), 1);
		assert_int_equal(world_sent_state(world, 0, 1, i), TALK_MESSAGE_DELIVERED);
	}
	assert_true(histories_equal(world, 0, 1));
	world_destroy(world);
}

static void test_overtaken(void **state)
{
	(void)state;
	overtaken(450, true);
	overtaken(451, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records_behind_the_commit),
		cmocka_unit_test(test_late_copy),
		cmocka_unit_test(test_same_order_everywhere),
		cmocka_unit_test(test_reads_before_it_sends),
		cmocka_unit_test(test_removed_sees_nothing),
		cmocka_unit_test(test_removed_peer_gets_nothing),
		cmocka_unit_test(test_overtaken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
