/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commits, proposals and records that no phone of ours would make, from a member who has all of a member's
 * keys: what everybody must judge alike, and where a phone must stop and say so. The hostile member is
 * phone 1: a second copy of its group makes the message, its own link carries it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mls/group.h"
#include "talk/state.h"
#include "tests/talk/world.h"

#define EVIL   1
#define VICTIM 2
#define PHONES 4

static uint64_t utc_ms(const struct world *world)
{
	return WORLD_UTC_MS + world_now(world) / 1000000;
}

static struct talk *talk_of(struct world *world, uint32_t number)
{
	return world_phone(world, number)->talk;
}

static uint32_t problems_of(struct world *world, uint32_t number)
{
	struct talk_status status;

	talk_status(talk_of(world, number), &status);
	return status.problems & ~(UINT32_C(1) << TALK_PROBLEM_ONE_PERSON);
}

static uint64_t epoch_of(const struct talk_group *group)
{
	struct mls_context context;

	mls_group_context(group->mls, &context);
	return context.epoch;
}

static struct talk_group *direct_of(struct world *world, uint32_t number, uint32_t peer)
{
	const struct ledger *ledger = talk_ledger(talk_of(world, number));
	const struct ledger_member *member = ledger_member_by_extension(ledger, 100 + peer);

	assert_non_null(member);
	return talk_group_direct(talk_of(world, number), member->id);
}

/* PSKs that only the hostile member has. */
static enum sotto_err find_psk(void *context, struct bytes id, struct bytes *psk)
{
	(void)context;
	(void)id;
	*psk = BYTES_TEXT("known to one of them");
	return SOTTO_OK;
}

static const struct mls_psk_source evil_psks = {.find = find_psk};

/* A second copy of a phone's *everyone*, free to do what it likes. */
static struct mls_group *evil_copy_with(struct world *world, uint32_t number,
					const struct mls_psk_source *psks)
{
	struct talk *talk = talk_of(world, number);
	struct mls_config config = talk->mls;
	struct mls_buffer epoch = {0}, ratchets = {0};
	struct mls_group *copy;

	config.reserve_before_send = false;
	config.psks = psks;
	assert_int_equal(mls_group_save(talk->everyone->mls, &epoch), SOTTO_OK);
	assert_int_equal(mls_group_save_ratchets(talk->everyone->mls, 1, &ratchets), SOTTO_OK);
	assert_int_equal(mls_group_load(&config, BYTES_NONE, mls_buffer_bytes(&epoch),
					mls_buffer_bytes(&ratchets), &copy),
			 SOTTO_OK);
	mls_buffer_release(&epoch);
	mls_buffer_release(&ratchets);
	return copy;
}

static struct mls_group *evil_copy(struct world *world, uint32_t number)
{
	return evil_copy_with(world, number, &evil_psks);
}

/* Seals a message for a group's present drop, and appends it over the phone's own link. */
static void put(struct world *world, uint32_t number, const struct talk_group *group,
		struct bytes message)
{
	struct talk *talk = talk_of(world, number);
	const struct talk_drop *drop = &group->drops[0];
	struct talk_blob record = {0};
	struct talk_asked *asked;

	assert_int_equal(talk_step_begin(talk, world_now(world), utc_ms(world)), SOTTO_OK);
	assert_int_equal(talk_record_seal(talk, drop, message, &record), SOTTO_OK);
	assert_int_equal(talk_ask_append(talk, TALK_ASK_APPEND_AGAIN, drop->append_token,
					 drop->read_hash, drop->flags, talk_blob_bytes(&record),
					 &asked),
			 SOTTO_OK);
	assert_int_equal(talk_step_end(talk, SOTTO_OK), SOTTO_OK);
	talk_blob_clear(talk, &record);
	world_settle(world_phone(world, number));
}

/* A phone renews its path in a group: any reason to commit will do. */
static void commit_of(struct world *world, uint32_t number, struct talk_group *group)
{
	struct talk *talk = talk_of(world, number);

	assert_int_equal(talk_step_begin(talk, world_now(world), utc_ms(world)), SOTTO_OK);
	group->update_due = true;
	group->settled = false;
	assert_int_equal(talk_step_end(talk, SOTTO_OK), SOTTO_OK);
	world_settle(world_phone(world, number));
}

static struct world *settled_world(uint64_t seed)
{
	struct world *world = world_create(seed);

	world_members(world, PHONES, false);
	world_run(world, 30);
	for (uint32_t i = 0; i < PHONES; i++)
		assert_int_equal(problems_of(world, i), 0);
	return world;
}

/* All but the hostile one are where they were, agree, and can talk. */
static void assert_untouched(struct world *world, uint64_t epoch, uint32_t text)
{
	for (uint32_t i = 0; i < PHONES; i++) {
		if (i == EVIL)
			continue;
		assert_int_equal(epoch_of(talk_of(world, i)->everyone), epoch);
		assert_true(world_agree(world, 0, i));
		assert_int_equal(problems_of(world, i), 0);
	}
	assert_true(world_send(world, 0, VICTIM, text));
	assert_true(world_send(world, VICTIM, 0, text));
	world_run(world, 30);
	assert_int_equal(world_received(world, 0, VICTIM, text), 1);
	assert_int_equal(world_received(world, VICTIM, 0, text), 1);
}

/* A proposal that waits in everybody's group would be in the next honest commit. */
static void test_proposals_are_nobodys(void **state)
{
	struct world *world = settled_world(41);
	struct mls_group *evil = evil_copy(world, EVIL);
	struct mls_buffer message = {0}, commit = {0}, welcome = {0};
	struct mls_commit_options options = {0};
	uint64_t epoch = epoch_of(talk_of(world, 0)->everyone);
	struct mls_member member;

	(void)state;
	assert_int_equal(mls_group_find_member(
				 talk_of(world, 0)->everyone->mls,
				 BYTES(talk_of(world, VICTIM)->identity.public_key, LEDGER_KEY_LEN),
				 &member),
			 SOTTO_OK);
	assert_int_equal(mls_group_propose_remove(evil, member.leaf, &message), SOTTO_OK);
	put(world, EVIL, talk_of(world, EVIL)->everyone, mls_buffer_bytes(&message));
	world_run(world, 30);
	for (uint32_t i = 0; i < PHONES; i++)
		assert_int_equal(mls_group_cached_proposals(talk_of(world, i)->everyone->mls), 0);
	/* An honest commit comes, and nobody is removed by it. */
	commit_of(world, 3, talk_of(world, 3)->everyone);
	world_run(world, 30);
	assert_int_equal(mls_group_member_count(talk_of(world, 0)->everyone->mls), PHONES);
	assert_untouched(world, epoch + 1, 1);
	mls_group_destroy(evil);
	mls_buffer_release(&message);

	/* A commit that refers to a proposal counts for nobody. */
	evil = evil_copy(world, EVIL);
	assert_int_equal(mls_group_propose_remove(evil, member.leaf, &message), SOTTO_OK);
	put(world, EVIL, talk_of(world, EVIL)->everyone, mls_buffer_bytes(&message));
	assert_int_equal(mls_group_commit(evil, &options, &commit, &welcome), SOTTO_OK);
	put(world, EVIL, talk_of(world, EVIL)->everyone, mls_buffer_bytes(&commit));
	world_run(world, 30);
	assert_untouched(world, epoch + 1, 2);
	mls_buffer_release(&message);
	mls_buffer_release(&commit);
	mls_group_destroy(evil);
	world_destroy(world);
}

/* Some could follow it and some not: so nobody does. */
static void test_psk_commit_is_nobodys(void **state)
{
	struct world *world = settled_world(42);
	struct mls_group *evil = evil_copy(world, EVIL);
	struct mls_buffer commit = {0}, welcome = {0};
	struct bytes id = BYTES_TEXT("a key");
	struct mls_commit_options options = {.psks = &id, .psk_count = 1, .path = true};
	uint64_t epoch = epoch_of(talk_of(world, 0)->everyone);

	(void)state;
	assert_int_equal(mls_group_commit(evil, &options, &commit, &welcome), SOTTO_OK);
	put(world, EVIL, talk_of(world, EVIL)->everyone, mls_buffer_bytes(&commit));
	world_run(world, 30);
	assert_untouched(world, epoch, 1);
	mls_buffer_release(&commit);
	mls_group_destroy(evil);
	world_destroy(world);
}

/* But for one whose id names a head of the ledger, which all have: a member takes no other. */
static void test_psk_names_a_head(void **state)
{
	(void)state;
	for (uint32_t kind = 0; kind < 4; kind++) {
		struct world *world = settled_world(51 + kind);
		struct talk *talk = talk_of(world, 0);
		struct talk_agreed agreed = {0};
		struct mls_psk_source source = {talk_agreed_find, &agreed};
		struct mls_group *evil = evil_copy_with(world, EVIL, &source);
		struct mls_buffer commit = {0}, welcome = {0};
		struct talk_context context = {.version = TALK_VERSION, .kind = TALK_EVERYONE};
		uint64_t epoch = epoch_of(talk->everyone);
		struct talk_blob id = {0};
		struct bytes psk;
		struct mls_commit_options options = {.psks = &psk, .psk_count = 1};

		context.ledger_length = ledger_length(talk->ledger) - (kind == 1);
		memcpy(context.ledger_head, ledger_head(talk->ledger, ledger_length(talk->ledger)),
		       LEDGER_HASH_LEN);
		context.ledger_length += kind == 2; /* which is not there yet */
		context.ledger_head[0] ^= kind == 3;
		assert_int_equal(talk_encode(talk, &talk_context_type, &context, &id), SOTTO_OK);
		psk = talk_blob_bytes(&id);
		assert_int_equal(mls_group_commit(evil, &options, &commit, &welcome), SOTTO_OK);
		put(world, EVIL, talk_of(world, EVIL)->everyone, mls_buffer_bytes(&commit));
		world_run(world, 30);
		for (uint32_t i = 0; i < PHONES; i++)
			assert_int_equal(i == EVIL || epoch_of(talk_of(world, i)->everyone) ==
							      epoch + (kind == 0),
					 1);
		talk_blob_clear(talk, &id);
		mls_buffer_release(&commit);
		mls_group_destroy(evil);
		world_destroy(world);
	}
}

/* Our commit comes back in a record that the relay and a member made of it. */
static void test_own_commit_in_another_record(void **state)
{
	struct world *world = settled_world(43);
	struct talk *talk = talk_of(world, 0);
	struct talk_group *group = talk->everyone;
	struct talk_blob message = {0};
	uint64_t epoch = epoch_of(group);

	(void)state;
	assert_int_equal(talk_step_begin(talk, world_now(world), utc_ms(world)), SOTTO_OK);
	assert_int_equal(
		talk_commit_make(talk, group, &(struct mls_commit_options){0}, NULL, BYTES_NONE),
		SOTTO_OK);
	group->pending.stored = group->pending.count; /* only the other record arrives */
	assert_int_equal(talk_step_end(talk, SOTTO_OK), SOTTO_OK);
	assert_int_equal(talk_record_open(talk, &group->drops[0],
					  talk_blob_bytes(&group->pending.items[0]), &message),
			 SOTTO_OK);
	world_settle(world_phone(world, 0));
	put(world, EVIL, talk_of(world, EVIL)->everyone, talk_blob_bytes(&message));
	talk_blob_clear(talk, &message);
	world_run(world, 30);
	assert_int_equal(talk_failed(talk_of(world, 0)), SOTTO_OK);
	assert_false(mls_group_has_pending(talk_of(world, 0)->everyone->mls));
	assert_untouched(world, epoch + 1, 2);
	world_destroy(world);
}

/*
 * A commit of ours was read back and counted for nobody, since the ledger had moved on before it. Who makes
 * a record of it again does not make us believe that we were copied, also not after a restart: the key of its
 * generation is gone.
 */
static void test_refused_commit_comes_again(void **state)
{
	struct world *world = settled_world(50);
	struct talk *talk = talk_of(world, 0);
	struct talk_group *group = talk->everyone;
	struct talk_kept_welcomed *nobody;
	struct talk_blob message = {0};
	uint64_t epoch = epoch_of(group);

	(void)state;
	assert_int_equal(talk_step_begin(talk, world_now(world), utc_ms(world)), SOTTO_OK);
	assert_int_equal(
		talk_commit_make(talk, group, &(struct mls_commit_options){0}, NULL, BYTES_NONE),
		SOTTO_OK);
	assert_int_equal(talk_record_open(talk, &group->drops[0],
					  talk_blob_bytes(&group->pending.items[0]), &message),
			 SOTTO_OK);
	/* It welcomes a device that the ledger does not know. */
	nobody = talk_take(talk, sizeof(*nobody));
	assert_non_null(nobody);
	memset(nobody, 7, sizeof(*nobody));
	nobody->init_key_len = 32;
	group->welcomed = nobody;
	group->welcomed_count = 1;
	group->pending.dirty = true;
	assert_int_equal(talk_step_end(talk, SOTTO_OK), SOTTO_OK);
	world_settle(world_phone(world, 0));
	world_link(world, EVIL, false);
	world_link(world, VICTIM, false);
	world_link(world, 3, false);
	world_run(world, 10);
	assert_int_equal(epoch_of(talk_of(world, 0)->everyone), epoch);
	assert_false(mls_group_has_pending(talk_of(world, 0)->everyone->mls));

	world_restart(world_phone(world, 0));
	world_run(world, 10);
	put(world, 0, talk_of(world, 0)->everyone, talk_blob_bytes(&message));
	world_run(world, 10);
	assert_int_equal(talk_of(world, 0)->state, TALK_MEMBER);
	assert_int_equal(epoch_of(talk_of(world, 0)->everyone), epoch);
	talk_blob_clear(talk_of(world, 0), &message);
	world_destroy(world);
}

/* What the victim holds of a group is not what the others hold. */
enum harm { HARM_INIT_SECRET, HARM_LEAF_KEY };

static void harm_do(struct talk_group *group, enum harm harm)
{
	struct epoch *epoch = group->mls->epoch;

	if (harm == HARM_INIT_SECRET)
		epoch->secrets.init.data[0] ^= 1;
	else
		epoch->keys.leaf.data[0] ^= 8;
}

static bool is_stuck(struct world *world, uint32_t number, uint32_t author)
{
	struct talk_status status;

	talk_status(talk_of(world, number), &status);
	return (status.problems & UINT32_C(1) << TALK_PROBLEM_STUCK) != 0 &&
	       status.stuck_by == 100 + author;
}

/* At once, and before anybody can have done anything about it. */
static void until_stuck(struct world *world, uint32_t number, uint32_t author)
{
	for (uint32_t ms = 0; !is_stuck(world, number, author); ms++) {
		assert_true(ms < 2000);
		world_run_ms(world, 1);
	}
}

static void conversation_stops(enum harm harm)
{
	struct world *world = settled_world(44 + (uint64_t)harm);
	uint8_t id[TALK_GROUP_ID_LEN];
	uint64_t epoch;

	assert_true(world_send(world, 0, VICTIM, 1));
	world_run(world, 60);
	assert_int_equal(world_received(world, 0, VICTIM, 1), 1);
	epoch = epoch_of(direct_of(world, VICTIM, 0));
	assert_int_equal(epoch_of(direct_of(world, 0, VICTIM)), epoch);
	memcpy(id, direct_of(world, 0, VICTIM)->id, sizeof(id));

	harm_do(direct_of(world, VICTIM, 0), harm);
	commit_of(world, 0, direct_of(world, 0, VICTIM));
	until_stuck(world, VICTIM, 0);
	assert_int_equal(problems_of(world, 0), 0);

	/* It stays so over a restart, nothing is sent there, and nothing is lost that waits. */
	world_link(world, VICTIM, false);
	world_restart(world_phone(world, VICTIM));
	assert_true(world_send(world, VICTIM, 0, 2));
	assert_true(world_send(world, 0, VICTIM, 5));
	world_run(world, 60);
	assert_true(is_stuck(world, VICTIM, 0));
	assert_int_equal(world_sent_state(world, VICTIM, 0, 2), TALK_MESSAGE_QUEUED);
	assert_int_equal(epoch_of(direct_of(world, VICTIM, 0)), epoch);

	/* With a link it asks in *everyone*, and the other one adds it anew: the same conversation goes on. */
	world_link(world, VICTIM, true);
	world_run(world, 30);
	assert_int_equal(problems_of(world, VICTIM), 0);
	assert_true(world_agree(world, 0, VICTIM));
	assert_true(epoch_of(direct_of(world, 0, VICTIM)) >= epoch + 2);
	assert_int_equal(world_received(world, 0, VICTIM, 1), 1);
	assert_int_equal(world_received(world, 0, VICTIM, 5), 1);
	assert_int_equal(world_received(world, VICTIM, 0, 2), 1);
	assert_int_equal(world_sent_state(world, 0, VICTIM, 5), TALK_MESSAGE_DELIVERED);
	assert_int_equal(world_sent_state(world, VICTIM, 0, 2), TALK_MESSAGE_DELIVERED);
	assert_memory_equal(direct_of(world, 0, VICTIM)->id, id, sizeof(id));
	assert_memory_equal(direct_of(world, VICTIM, 0)->id, id, sizeof(id));

	/* The phone's other conversations go on. */
	assert_true(world_send(world, 3, VICTIM, 3));
	assert_true(world_send(world, VICTIM, 3, 4));
	world_run(world, 60);
	assert_int_equal(world_received(world, 3, VICTIM, 3), 1);
	assert_int_equal(world_received(world, VICTIM, 3, 4), 1);
	world_destroy(world);
}

static void test_conversation_stops_at_wrong_tag(void **state)
{
	(void)state;
	conversation_stops(HARM_INIT_SECRET);
}

static void test_conversation_stops_at_closed_path(void **state)
{
	(void)state;
	conversation_stops(HARM_LEAF_KEY);
}

/* In *everyone* the whole phone stands still, and the others go on; it asks on the porch. */
static void test_everyone_stops(void **state)
{
	struct world *world = settled_world(46);
	uint64_t epoch = epoch_of(talk_of(world, 0)->everyone);

	(void)state;
	harm_do(talk_of(world, VICTIM)->everyone, HARM_INIT_SECRET);
	commit_of(world, 3, talk_of(world, 3)->everyone);
	until_stuck(world, VICTIM, 3);
	world_link(world, VICTIM, false);
	assert_true(world_send(world, VICTIM, 0, 1));
	assert_true(world_send(world, 0, 3, 2));
	world_run(world, 60);
	assert_int_equal(epoch_of(talk_of(world, VICTIM)->everyone), epoch);
	assert_int_equal(world_received(world, 0, 3, 2), 1);
	assert_int_equal(epoch_of(talk_of(world, 0)->everyone), epoch + 1);
	assert_true(world_agree(world, 0, 3));

	world_restart(world_phone(world, VICTIM));
	world_link(world, VICTIM, true);
	world_run(world, 60);
	for (uint32_t i = 0; i < PHONES; i++)
		assert_int_equal(problems_of(world, i), 0);
	assert_int_equal(world_received(world, VICTIM, 0, 1), 1);
	assert_int_equal(world_sent_state(world, VICTIM, 0, 1), TALK_MESSAGE_DELIVERED);
	assert_int_equal(mls_group_member_count(talk_of(world, 0)->everyone->mls), PHONES);
	assert_untouched(world, epoch_of(talk_of(world, 0)->everyone), 3);
	assert_true(epoch_of(talk_of(world, 0)->everyone) >= epoch + 2);
	world_destroy(world);
}

/* In a conversation of two nobody else is heard, whoever let him in. */
static void test_stranger_is_not_the_peer(void **state)
{
	struct world *world = settled_world(47);
	const struct ledger_member *other;
	struct talk_group *group;

	(void)state;
	assert_true(world_send(world, 0, VICTIM, 1));
	world_run(world, 60);
	assert_int_equal(world_received(world, 0, VICTIM, 1), 1);
	group = direct_of(world, VICTIM, 0);
	other = ledger_member_by_extension(talk_ledger(talk_of(world, VICTIM)), 103);
	group->peer = other->id; /* what phone 0 says comes from the wrong one now */
	assert_true(world_send(world, 0, VICTIM, 2));
	world_run(world, 60);
	assert_int_equal(world_received(world, 0, VICTIM, 2), 0);
	assert_int_equal(world_received(world, 3, VICTIM, 2), 0);
	world_destroy(world);
}

/* The relay tells one member another history of the conversation, and signs both. */
static void relay_contradicts(bool signed_by_relay)
{
	struct world *world = settled_world(49);
	struct talk_group *group;
	uint8_t buffer[WIRE_SIGNED_LEN_MAX];
	struct talk_relay_word *word;

	assert_true(world_send(world, 0, VICTIM, 1));
	assert_true(world_send(world, VICTIM, 0, 2));
	world_run(world, 60);
	assert_int_equal(world_received(world, VICTIM, 0, 2), 1);
	group = direct_of(world, 0, VICTIM);
	word = &group->word;
	assert_true(group->word_known);
	word->running_hash[5] ^= 1;
	if (signed_by_relay)
		fake_relay_sign(world_relay(world),
				wire_signed_batch(word->drop, word->incarnation, word->end_sequence,
						  word->running_hash, buffer),
				word->signature);
	assert_true(world_send(world, 0, VICTIM, 3));
	world_run(world, 10);
	assert_int_equal(world_received(world, 0, VICTIM, 3), 1);
	assert_int_equal(problems_of(world, VICTIM),
			 signed_by_relay ? UINT32_C(1) << TALK_PROBLEM_CONTRADICTION : 0);
	world_destroy(world);
}

static void test_relay_is_convicted(void **state)
{
	(void)state;
	relay_contradicts(true);
}

/* A member who makes a word up convicts nobody. */
static void test_relay_is_not_accused(void **state)
{
	(void)state;
	relay_contradicts(false);
}

/* What nobody has fetched when the relay erases it is told as not delivered, and holds up nothing. */
static void test_retention_ends(void **state)
{
	struct world *world = settled_world(48);
	struct talk_status status;

	(void)state;
	assert_true(world_send(world, 0, VICTIM, 1));
	world_run(world, 60);
	world_link(world, VICTIM, false);
	world_run(world, 1);
	assert_true(world_send(world, 0, VICTIM, 2));
	world_run(world, 30);
	assert_int_equal(world_sent_state(world, 0, VICTIM, 2), TALK_MESSAGE_STORED);
	world_restart(world_phone(world, 0));
	talk_of(world, 0)->retention_ms = 3600 * 1000;
	world_run(world, 1800);
	assert_int_equal(world_sent_state(world, 0, VICTIM, 2), TALK_MESSAGE_STORED);
	talk_status(talk_of(world, 0), &status);
	assert_int_equal(status.unacknowledged, 1);
	for (uint32_t i = 0; i < 4; i++)
		world_run(world, 600);
	assert_true(world_send(world, 0, 3, 3)); /* any step will do */
	world_run(world, 10);
	assert_int_equal(world_sent_state(world, 0, VICTIM, 2), TALK_MESSAGE_FAILED);
	talk_status(talk_of(world, 0), &status);
	assert_int_equal(status.unacknowledged, 0);
	world_link(world, VICTIM, true);
	assert_true(world_send(world, 0, VICTIM, 4));
	world_run(world, 60);
	assert_int_equal(world_received(world, 0, VICTIM, 4), 1);
	assert_int_equal(world_sent_state(world, 0, VICTIM, 4), TALK_MESSAGE_DELIVERED);
	world_destroy(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proposals_are_nobodys),
		cmocka_unit_test(test_psk_commit_is_nobodys),
		cmocka_unit_test(test_psk_names_a_head),
		cmocka_unit_test(test_own_commit_in_another_record),
		cmocka_unit_test(test_refused_commit_comes_again),
		cmocka_unit_test(test_conversation_stops_at_wrong_tag),
		cmocka_unit_test(test_conversation_stops_at_closed_path),
		cmocka_unit_test(test_everyone_stops),
		cmocka_unit_test(test_stranger_is_not_the_peer),
		cmocka_unit_test(test_relay_is_convicted),
		cmocka_unit_test(test_relay_is_not_accused),
		cmocka_unit_test(test_retention_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
