/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two call engines joined by a conversation without a network: what one sends, both see in one order. Each
 * test plays a story and looks at states, outputs and keys.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "call/call.h"

#define MS UINT64_C(1000000)

struct end {
	struct call *call;
	uint8_t device[CALL_DEVICE_LEN];
	struct call_keys voice_keys; /* of the last VOICE_START or VOICE_KEYS + SWITCH */
	uint64_t voice_kid;
	uint64_t peer_kid;
	int peer_slot; /* -1: none announced */
	unsigned int seen[CALL_OUT_ENDED + 1];
	enum call_reason reason;
	bool online;
};

struct story {
	struct end ends[2];
	uint64_t now_ns;
	uint64_t epoch;
	uint64_t counter; /* of the random source */
	bool random_fails;
	uint64_t age_ms;
};

static enum sotto_err story_random(void *context, uint8_t *out, size_t len)
{
	struct story *story = context;

	if (story->random_fails)
		return SOTTO_ERR_RANDOM;
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)((story->counter * 131 + i * 7) >> 1);
	story->counter++;
	return SOTTO_OK;
}

static struct random_source story_source;

static struct call_epoch story_epoch(const struct story *story)
{
	struct call_epoch epoch = {.number = story->epoch};

	memset(epoch.exporter, (int)(story->epoch & 0xff), sizeof(epoch.exporter));
	return epoch;
}

static void story_init(struct story *story, bool second_has_voice)
{
	memset(story, 0, sizeof(*story));
	story->now_ns = 1000 * MS;
	story->epoch = 5;
	story_source = (struct random_source){.fill = story_random, .context = story};
	for (size_t i = 0; i < 2; i++) {
		memset(story->ends[i].device, (int)('a' + i), CALL_DEVICE_LEN);
		story->ends[i].peer_slot = -1;
		story->ends[i].online = true;
		assert_int_equal(call_create(&story_source, i == 0 || second_has_voice,
					     &story->ends[i].call),
				 SOTTO_OK);
	}
}

static void story_finish(struct story *story)
{
	call_destroy(story->ends[0].call);
	call_destroy(story->ends[1].call);
}

static void deliver(struct story *story, size_t to, const struct call_output *output)
{
	uint8_t wire[CALL_MESSAGE_LEN_MAX];
	struct call_epoch epoch = story_epoch(story);
	struct call_message message;
	struct call_arrival arrival = {
		.message = &message, .epoch = &epoch, .age_ms = story->age_ms};
	size_t len = call_message_encode(&output->message, wire);

	assert_int_equal(call_message_decode(BYTES(wire, len), &message), SOTTO_OK);
	memcpy(arrival.conversation, output->conversation, CALL_CONVERSATION_LEN);
	memcpy(arrival.device, story->ends[1 - to].device, CALL_DEVICE_LEN);
	assert_int_equal(call_receive(story->ends[to].call, &arrival, story->now_ns), SOTTO_OK);
}

static void handle(struct story *story, size_t who, const struct call_output *output)
{
	struct end *end = &story->ends[who];

	end->seen[output->type]++;
	if (output->type == CALL_OUT_SEND && story->ends[1 - who].online)
		deliver(story, 1 - who, output);
	else if (output->type == CALL_OUT_ROOM_JOIN)
		call_room_joined(end->call, output->keys.epoch, (uint16_t)(10 + who));
	else if (output->type == CALL_OUT_VOICE_PREPARE)
		call_voice_ready(end->call);
	else if (output->type == CALL_OUT_ENDED)
		end->reason = output->reason;
	else if (output->type == CALL_OUT_VOICE_KEYS)
		end->voice_keys = output->keys;
	if (output->type == CALL_OUT_VOICE_START) {
		end->voice_keys = output->keys;
		end->voice_kid = output->kid;
	}
	if (output->type == CALL_OUT_VOICE_SENDER) {
		end->peer_kid = output->kid;
		end->peer_slot = output->slot_known ? output->slot : -1;
	}
}

static void settle(struct story *story)
{
	struct call_output output;
	bool busy = true;

	while (busy) {
		busy = false;
		for (size_t who = 0; who < 2; who++) {
			while (call_next_output(story->ends[who].call, &output)) {
				handle(story, who, &output);
				busy = true;
			}
		}
	}
}

/* Lets time pass, in order, up to so many milliseconds from now. */
static void pass(struct story *story, uint64_t ms)
{
	uint64_t until_ns = story->now_ns + ms * MS;

	for (;;) {
		uint64_t first = call_deadline(story->ends[0].call);
		uint64_t second = call_deadline(story->ends[1].call);
		uint64_t next = first < second ? first : second;

		if (next > until_ns)
			break;
		story->now_ns = next;
		for (size_t who = 0; who < 2; who++)
			call_handle_deadline(story->ends[who].call, story->now_ns);
		settle(story);
	}
	story->now_ns = until_ns;
}

static enum sotto_err dial(struct story *story, size_t who, uint8_t id_byte)
{
	struct call_epoch epoch = story_epoch(story);
	uint8_t conversation[CALL_CONVERSATION_LEN] = {1};
	uint8_t id[CALL_ID_LEN];

	memset(id, id_byte, sizeof(id));
	return call_dial(story->ends[who].call, id, conversation, &epoch, story->now_ns);
}

static enum call_state state_of(const struct story *story, size_t who)
{
	return call_state_of(story->ends[who].call);
}

static void start_call(struct story *story)
{
	assert_int_equal(dial(story, 0, 7), SOTTO_OK);
	settle(story);
	assert_int_equal(state_of(story, 0), CALL_FAR_RINGING);
	assert_int_equal(state_of(story, 1), CALL_RINGING);
	assert_int_equal(story->ends[1].seen[CALL_OUT_VOICE_PREPARE], 0);
	assert_int_equal(call_answer(story->ends[1].call, story->now_ns), SOTTO_OK);
	settle(story);
	assert_int_equal(state_of(story, 0), CALL_ACTIVE);
	assert_int_equal(state_of(story, 1), CALL_ACTIVE);
}

static void test_call_is_answered_and_ended(void **state)
{
	struct story story;

	(void)state;
	story_init(&story, true);
	start_call(&story);
	assert_memory_equal(story.ends[0].voice_keys.base_key, story.ends[1].voice_keys.base_key,
			    CALL_BASE_KEY_LEN);
	assert_int_equal(story.ends[0].peer_kid, story.ends[1].voice_kid);
	assert_int_equal(story.ends[1].peer_kid, story.ends[0].voice_kid);
	assert_int_not_equal(story.ends[0].voice_kid, story.ends[1].voice_kid);
	assert_int_equal(story.ends[0].peer_slot, 11);
	assert_int_equal(story.ends[1].peer_slot, 10);
	assert_int_equal(story.ends[0].voice_kid & 0xff, story.epoch);
	assert_int_equal(call_hang_up(story.ends[0].call, story.now_ns), SOTTO_OK);
	settle(&story);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(state_of(&story, i), CALL_TAIL);
		assert_int_equal(story.ends[i].reason, CALL_REASON_HUNG_UP);
		assert_int_equal(story.ends[i].seen[CALL_OUT_VOICE_STOP], 1);
		assert_int_equal(story.ends[i].seen[CALL_OUT_BEAT_STOP], 0);
	}
	pass(&story, CALL_TAIL_MIN_MS - 1);
	assert_int_equal(story.ends[0].seen[CALL_OUT_BEAT_STOP], 0);
	pass(&story, CALL_TAIL_MAX_MS);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(state_of(&story, i), CALL_IDLE);
		assert_int_equal(story.ends[i].seen[CALL_OUT_BEAT_STOP], 1);
		assert_int_equal(story.ends[i].seen[CALL_OUT_ROOM_LEAVE], 1);
		assert_int_equal(story.ends[i].seen[CALL_OUT_ENDED], 1);
	}
	story_finish(&story);
}

/* Who presses what while it rings, and what each side then says. */
static void test_ways_to_end_before_an_answer(void **state)
{
	static const struct {
		int presser; /* -1: nobody */
		uint64_t wait_ms;
		enum call_reason reason;
	} table[] = {
		{0, 10, CALL_REASON_CANCELLED},
		{1, 10, CALL_REASON_REFUSED},
		{-1, CALL_RING_MS + 1, CALL_REASON_UNANSWERED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct story story;

		story_init(&story, true);
		assert_int_equal(dial(&story, 0, 7), SOTTO_OK);
		settle(&story);
		pass(&story, table[i].wait_ms);
		if (table[i].presser >= 0)
			assert_int_equal(
				call_hang_up(story.ends[table[i].presser].call, story.now_ns),
				SOTTO_OK);
		settle(&story);
		for (size_t who = 0; who < 2; who++) {
			assert_int_equal(story.ends[who].reason, table[i].reason);
			assert_int_equal(story.ends[who].seen[CALL_OUT_VOICE_START], 0);
		}
		assert_int_equal(story.ends[1].seen[CALL_OUT_RING_STOP], 1);
		assert_int_equal(story.ends[1].seen[CALL_OUT_VOICE_PREPARE], 0);
		story_finish(&story);
	}
}

static void test_nobody_there_is_unreachable(void **state)
{
	struct story story;

	(void)state;
	story_init(&story, true);
	story.ends[1].online = false;
	assert_int_equal(dial(&story, 0, 7), SOTTO_OK);
	settle(&story);
	pass(&story, CALL_REACH_MS);
	assert_int_equal(story.ends[0].reason, CALL_REASON_UNREACHABLE);
	story_finish(&story);
}

static void test_text_only_phone_says_so(void **state)
{
	struct story story;

	(void)state;
	story_init(&story, false);
	assert_int_equal(dial(&story, 1, 7), SOTTO_ERR_UNSUPPORTED);
	assert_int_equal(dial(&story, 0, 7), SOTTO_OK);
	settle(&story);
	assert_int_equal(story.ends[0].reason, CALL_REASON_NO_VOICE);
	assert_int_equal(state_of(&story, 1), CALL_IDLE);
	assert_int_equal(story.ends[1].seen[CALL_OUT_RING_START], 0);
	story_finish(&story);
}

static void test_old_invitation_does_not_ring(void **state)
{
	struct story story;

	(void)state;
	story_init(&story, true);
	story.age_ms = CALL_INVITE_AGE_MS + 1;
	assert_int_equal(dial(&story, 0, 7), SOTTO_OK);
	settle(&story);
	assert_int_equal(state_of(&story, 1), CALL_IDLE);
	assert_int_equal(story.ends[1].seen[CALL_OUT_RING_START], 0);
	story_finish(&story);
}

static void test_second_call_is_busy_and_does_not_disturb(void **state)
{
	struct story story;
	struct call_epoch epoch;
	struct call_message invite = {.type = CALL_MESSAGE_INVITE, .kid = 99};
	struct call_arrival arrival = {.message = &invite, .epoch = &epoch};
	struct call_output output;

	(void)state;
	story_init(&story, true);
	start_call(&story);
	epoch = story_epoch(&story);
	memset(invite.id, 0x55, sizeof(invite.id));
	memset(arrival.conversation, 9, sizeof(arrival.conversation));
	assert_int_equal(call_receive(story.ends[0].call, &arrival, story.now_ns), SOTTO_OK);
	assert_true(call_next_output(story.ends[0].call, &output));
	assert_int_equal(output.type, CALL_OUT_SEND);
	assert_int_equal(output.message.type, CALL_MESSAGE_END);
	assert_int_equal(output.message.reason, CALL_REASON_BUSY);
	assert_memory_equal(output.message.id, invite.id, CALL_ID_LEN);
	assert_memory_equal(output.conversation, arrival.conversation, CALL_CONVERSATION_LEN);
	assert_false(call_next_output(story.ends[0].call, &output));
	assert_int_equal(state_of(&story, 0), CALL_ACTIVE);
	story_finish(&story);
}

static void test_both_dial_and_meet_in_one_call(void **state)
{
	(void)state;
	for (uint8_t first = 1; first <= 2; first++) {
		struct story story;

		story_init(&story, true);
		assert_int_equal(dial(&story, 0, first), SOTTO_OK);
		assert_int_equal(dial(&story, 1, (uint8_t)(3 - first)), SOTTO_OK);
		settle(&story);
		for (size_t i = 0; i < 2; i++) {
			assert_int_equal(state_of(&story, i), CALL_ACTIVE);
			assert_int_equal(call_id_of(story.ends[i].call)[0], 1);
			assert_int_equal(story.ends[i].seen[CALL_OUT_VOICE_START], 1);
		}
		assert_memory_equal(story.ends[0].voice_keys.base_key,
				    story.ends[1].voice_keys.base_key, CALL_BASE_KEY_LEN);
		story_finish(&story);
	}
}

static void test_silence_breaks_and_sound_keeps(void **state)
{
	struct story story;

	(void)state;
	story_init(&story, true);
	start_call(&story);
	for (int i = 0; i < 10; i++) {
		pass(&story, CALL_SILENCE_MS - 1);
		call_media_seen(story.ends[0].call, story.now_ns);
		call_media_seen(story.ends[1].call, story.now_ns);
	}
	assert_int_equal(state_of(&story, 0), CALL_ACTIVE);
	pass(&story, CALL_SILENCE_MS);
	assert_int_equal(story.ends[0].reason, CALL_REASON_BROKEN);
	assert_int_equal(story.ends[1].reason, CALL_REASON_BROKEN);
	story_finish(&story);
}

static void test_new_epoch_has_new_keys_and_an_overlap(void **state)
{
	(void)state;
	for (int removed = 0; removed < 2; removed++) {
		struct story story;
		struct call_epoch epoch;
		uint8_t before[CALL_BASE_KEY_LEN];

		story_init(&story, true);
		start_call(&story);
		memcpy(before, story.ends[0].voice_keys.base_key, sizeof(before));
		story.epoch++;
		epoch = story_epoch(&story);
		for (size_t i = 0; i < 2; i++)
			call_epoch_changed(story.ends[i].call, &epoch, removed != 0, story.now_ns);
		settle(&story);
		for (size_t i = 0; i < 2; i++) {
			assert_int_equal(story.ends[i].seen[CALL_OUT_ROOM_JOIN], 2);
			assert_int_equal(story.ends[i].seen[CALL_OUT_VOICE_SWITCH], removed);
			assert_int_equal(story.ends[i].seen[CALL_OUT_VOICE_DROP], removed);
		}
		assert_memory_not_equal(story.ends[0].voice_keys.base_key, before, sizeof(before));
		assert_memory_equal(story.ends[0].voice_keys.base_key,
				    story.ends[1].voice_keys.base_key, CALL_BASE_KEY_LEN);
		pass(&story, CALL_SWITCH_MS);
		assert_int_equal(story.ends[0].seen[CALL_OUT_VOICE_SWITCH], 1);
		pass(&story, CALL_OVERLAP_MS - CALL_SWITCH_MS);
		assert_int_equal(story.ends[0].seen[CALL_OUT_VOICE_DROP], 1);
		assert_int_equal(story.ends[0].seen[CALL_OUT_ROOM_LEAVE], 1);
		assert_int_equal(state_of(&story, 0), CALL_ACTIVE);
		story_finish(&story);
	}
}

static void test_room_is_joined_again_when_the_link_is_back(void **state)
{
	struct story story;

	(void)state;
	story_init(&story, true);
	start_call(&story);
	call_link_up(story.ends[0].call);
	settle(&story);
	assert_int_equal(story.ends[0].seen[CALL_OUT_ROOM_JOIN], 2);
	assert_int_equal(story.ends[1].peer_slot, 10);
	story_finish(&story);
}

static void test_mismatch_is_a_hard_stop(void **state)
{
	struct story story;

	(void)state;
	story_init(&story, true);
	start_call(&story);
	call_checked(story.ends[0].call, false);
	assert_false(call_is_verified(story.ends[0].call));
	assert_int_equal(state_of(&story, 0), CALL_ACTIVE);
	call_checked(story.ends[0].call, true);
	assert_true(call_is_verified(story.ends[0].call));
	call_mismatched(story.ends[1].call, story.now_ns);
	settle(&story);
	assert_int_equal(story.ends[0].reason, CALL_REASON_MISMATCH);
	assert_int_equal(story.ends[1].reason, CALL_REASON_MISMATCH);
	assert_int_equal(story.ends[1].seen[CALL_OUT_VOICE_STOP], 1);
	story_finish(&story);
}

/* The other end was revoked: no word to it, no tail, no packet more into any room; the keys are gone. */
static void test_cut_leaves_at_once(void **state)
{
	static const enum call_state from[] = {CALL_FAR_RINGING, CALL_RINGING, CALL_ACTIVE,
					       CALL_TAIL};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(from); i++) {
		size_t who = from[i] == CALL_RINGING ? 1 : 0;
		struct story story;
		struct end *end = &story.ends[who];
		unsigned int sent;

		story_init(&story, true);
		if (from[i] == CALL_ACTIVE || from[i] == CALL_TAIL)
			start_call(&story);
		else
			assert_int_equal(dial(&story, 0, 7), SOTTO_OK);
		settle(&story);
		if (from[i] == CALL_TAIL)
			assert_int_equal(call_hang_up(end->call, story.now_ns), SOTTO_OK);
		settle(&story);
		assert_int_equal(call_state_of(end->call), from[i]);
		assert_int_equal(end->seen[CALL_OUT_BEAT_STOP], 0);
		sent = end->seen[CALL_OUT_SEND];
		call_cut(end->call, CALL_REASON_REVOKED, story.now_ns);
		settle(&story);
		assert_int_equal(end->reason,
				 from[i] == CALL_TAIL ? CALL_REASON_HUNG_UP : CALL_REASON_REVOKED);
		assert_int_equal(call_state_of(end->call), CALL_TAIL);
		assert_int_equal(end->seen[CALL_OUT_SEND], sent);
		assert_int_equal(end->seen[CALL_OUT_BEAT_STOP], 1);
		assert_int_equal(end->seen[CALL_OUT_ROOM_LEAVE], 1);
		assert_int_equal(end->seen[CALL_OUT_VOICE_STOP], from[i] == CALL_RINGING ? 0 : 1);
		assert_int_equal(end->seen[CALL_OUT_RING_STOP], from[i] == CALL_RINGING ? 1 : 0);
		assert_int_equal(end->seen[CALL_OUT_ENDED], 1);
		/* Neither a new link nor a late answer of the relay brings a room back. */
		call_link_up(end->call);
		call_room_joined(end->call, story.epoch, 3);
		settle(&story);
		assert_int_equal(end->seen[CALL_OUT_ROOM_JOIN], 1);
		assert_int_equal(end->seen[CALL_OUT_SEND], sent);
		pass(&story, CALL_TAIL_MAX_MS);
		assert_int_equal(call_state_of(end->call), CALL_IDLE);
		story_finish(&story);
	}
}

/* A call that is over does not go on in a room that somebody was removed from; without one it may. */
static void test_tail_ends_with_a_removal(void **state)
{
	(void)state;
	for (int removed = 0; removed < 2; removed++) {
		struct story story;
		struct call_epoch epoch;

		story_init(&story, true);
		start_call(&story);
		assert_int_equal(call_hang_up(story.ends[0].call, story.now_ns), SOTTO_OK);
		settle(&story);
		story.epoch++;
		epoch = story_epoch(&story);
		call_epoch_changed(story.ends[0].call, &epoch, removed != 0, story.now_ns);
		settle(&story);
		assert_int_equal(story.ends[0].seen[CALL_OUT_BEAT_STOP], removed);
		assert_int_equal(story.ends[0].seen[CALL_OUT_ROOM_LEAVE], removed);
		story_finish(&story);
	}
}

/* Only this phone itself says that it or the other one was revoked. */
static void test_revoked_is_no_word_of_the_wire(void **state)
{
	struct call_message message = {.type = CALL_MESSAGE_END, .reason = CALL_REASON_REVOKED};
	uint8_t wire[CALL_MESSAGE_LEN_MAX];
	size_t len = call_message_encode(&message, wire);

	(void)state;
	assert_int_equal(call_message_decode(BYTES(wire, len), &message), SOTTO_OK);
	assert_int_equal(message.reason, CALL_REASON_BROKEN);
	assert_string_equal(call_reason_name(CALL_REASON_REVOKED), "revoked");
}

static void test_voice_process_that_dies_ends_the_call(void **state)
{
	struct story story;

	(void)state;
	story_init(&story, true);
	start_call(&story);
	call_voice_gone(story.ends[0].call, story.now_ns);
	settle(&story);
	assert_int_equal(story.ends[0].reason, CALL_REASON_BROKEN);
	assert_int_equal(story.ends[1].reason, CALL_REASON_BROKEN);
	story_finish(&story);
}

static void test_random_that_fails_changes_nothing(void **state)
{
	struct story story;
	struct call_output output;

	(void)state;
	story_init(&story, true);
	story.random_fails = true;
	assert_int_equal(dial(&story, 0, 7), SOTTO_ERR_RANDOM);
	assert_int_equal(state_of(&story, 0), CALL_IDLE);
	assert_false(call_next_output(story.ends[0].call, &output));
	story_finish(&story);
}

/* No message, in any order, in any state, starts the voice process or answers. */
static void test_no_message_opens_a_microphone(void **state)
{
	(void)state;
	for (unsigned int seed = 0; seed < 400; seed++) {
		struct story story;
		struct call_epoch epoch;
		struct call_output output;
		unsigned int prng = seed * 2654435761u + 1;

		story_init(&story, true);
		epoch = story_epoch(&story);
		for (int step = 0; step < 40; step++) {
			struct call_message message;
			struct call_arrival arrival = {.message = &message, .epoch = &epoch};

			memset(&message, 0, sizeof(message));
			prng = prng * 1664525u + 1013904223u;
			message.type = (enum call_message_type)(1 + (prng >> 16) % 5);
			memset(message.id, (int)(prng >> 24 & 1), sizeof(message.id));
			message.kid = prng;
			message.reason = CALL_REASON_HUNG_UP;
			arrival.own = (prng >> 12 & 7) == 0;
			memset(arrival.device, (int)(prng >> 9 & 1), sizeof(arrival.device));
			assert_int_equal(call_receive(story.ends[0].call, &arrival, story.now_ns),
					 SOTTO_OK);
			story.now_ns += (prng >> 4 & 0xff) * 10 * MS;
			call_handle_deadline(story.ends[0].call, story.now_ns);
			while (call_next_output(story.ends[0].call, &output)) {
				assert_int_not_equal(output.type, CALL_OUT_VOICE_PREPARE);
				assert_int_not_equal(output.type, CALL_OUT_VOICE_START);
				if (output.type == CALL_OUT_SEND)
					assert_int_not_equal(output.message.type,
							     CALL_MESSAGE_ANSWER);
			}
			assert_int_not_equal(state_of(&story, 0), CALL_ACTIVE);
		}
		story_finish(&story);
	}
}

static void test_messages_refuse_every_cut_and_addition(void **state)
{
	(void)state;
	for (int type = CALL_MESSAGE_INVITE; type <= CALL_MESSAGE_TAKEN; type++) {
		struct call_message message = {
			.type = (enum call_message_type)type, .kid = 3, .reason = CALL_REASON_BUSY};
		struct call_message decoded;
		uint8_t wire[CALL_MESSAGE_LEN_MAX + 1] = {0};
		size_t len = call_message_encode(&message, wire);

		for (size_t cut = 0; cut < len; cut++)
			assert_int_equal(call_message_decode(BYTES(wire, cut), &decoded),
					 SOTTO_ERR_FORMAT);
		assert_int_equal(call_message_decode(BYTES(wire, len + 1), &decoded),
				 SOTTO_ERR_FORMAT);
		assert_int_equal(call_message_decode(BYTES(wire, len), &decoded), SOTTO_OK);
		wire[0] = 2;
		assert_int_equal(call_message_decode(BYTES(wire, len), &decoded),
				 SOTTO_ERR_VERSION);
		wire[0] = 1;
		wire[1] = 77;
		assert_int_equal(call_message_decode(BYTES(wire, len), &decoded),
				 SOTTO_ERR_UNSUPPORTED);
	}
}

static void test_check_value_tells_keys_ledger_and_policy_apart(void **state)
{
	struct call_keys keys = {.epoch = 1, .base_key = {1}};
	struct call_keys other = {.epoch = 1, .base_key = {2}};
	uint8_t check[5][CALL_CHECK_LEN];

	(void)state;
	call_keys_check(&keys, BYTES_TEXT("ab"), BYTES_TEXT("c"), check[0]);
	call_keys_check(&keys, BYTES_TEXT("a"), BYTES_TEXT("bc"), check[1]);
	call_keys_check(&other, BYTES_TEXT("ab"), BYTES_TEXT("c"), check[2]);
	call_keys_check(&keys, BYTES_TEXT("ab"), BYTES_TEXT("d"), check[3]);
	call_keys_check(&keys, BYTES_TEXT("ab"), BYTES_TEXT("c"), check[4]);
	for (size_t i = 1; i < 4; i++)
		assert_memory_not_equal(check[0], check[i], CALL_CHECK_LEN);
	assert_memory_equal(check[0], check[4], CALL_CHECK_LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call_is_answered_and_ended),
		cmocka_unit_test(test_ways_to_end_before_an_answer),
		cmocka_unit_test(test_nobody_there_is_unreachable),
		cmocka_unit_test(test_text_only_phone_says_so),
		cmocka_unit_test(test_old_invitation_does_not_ring),
		cmocka_unit_test(test_second_call_is_busy_and_does_not_disturb),
		cmocka_unit_test(test_both_dial_and_meet_in_one_call),
		cmocka_unit_test(test_silence_breaks_and_sound_keeps),
		cmocka_unit_test(test_new_epoch_has_new_keys_and_an_overlap),
		cmocka_unit_test(test_room_is_joined_again_when_the_link_is_back),
		cmocka_unit_test(test_mismatch_is_a_hard_stop),
		cmocka_unit_test(test_cut_leaves_at_once),
		cmocka_unit_test(test_tail_ends_with_a_removal),
		cmocka_unit_test(test_revoked_is_no_word_of_the_wire),
		cmocka_unit_test(test_voice_process_that_dies_ends_the_call),
		cmocka_unit_test(test_random_that_fails_changes_nothing),
		cmocka_unit_test(test_no_message_opens_a_microphone),
		cmocka_unit_test(test_messages_refuse_every_cut_and_addition),
		cmocka_unit_test(test_check_value_tells_keys_ledger_and_policy_apart),
	};

	return cmocka_run_group_tests_name("call", tests, NULL, NULL);
}
