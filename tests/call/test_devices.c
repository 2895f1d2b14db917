/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls between people with several devices: engines of two people in one conversation, which all see what
 * each says, in one order. Phones 0 and 1 are the caller's, 2, 3 and 4 the called person's; 4 is text-only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "call/call.h"

#define MS   UINT64_C(1000000)
#define ENDS 5
#define TEXT 4

struct end {
	struct call *call;
	uint8_t device[CALL_DEVICE_LEN];
	unsigned int seen[CALL_OUT_ENDED + 1];
	enum call_reason reason;
	bool online;
};

static struct end ends[ENDS];
static uint64_t now_ns;
static uint64_t counter;

static enum sotto_err counting(void *context, uint8_t *out, size_t len)
{
	(void)context;
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(counter * 131 + i * 7);
	counter++;
	return SOTTO_OK;
}

static const struct random_source source = {.fill = counting};
static const struct call_epoch epoch = {.number = 5};
static const uint8_t conversation[CALL_CONVERSATION_LEN] = {9};

static bool is_caller(size_t number)
{
	return number < 2;
}

static int setup(void **state)
{
	(void)state;
	memset(ends, 0, sizeof(ends));
	now_ns = 1000 * MS;
	for (size_t i = 0; i < ENDS; i++) {
		memset(ends[i].device, (int)('a' + i), CALL_DEVICE_LEN);
		ends[i].online = true;
		assert_int_equal(call_create(&source, i != TEXT, &ends[i].call), SOTTO_OK);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < ENDS; i++)
		call_destroy(ends[i].call);
	return 0;
}

static void deliver(size_t from, size_t to, const struct call_output *output)
{
	struct call_arrival arrival = {
		.message = &output->message,
		.own = is_caller(from) == is_caller(to),
		.further = true,
		.epoch = &epoch,
	};

	memcpy(arrival.conversation, output->conversation, CALL_CONVERSATION_LEN);
	memcpy(arrival.device, ends[from].device, CALL_DEVICE_LEN);
	assert_int_equal(call_receive(ends[to].call, &arrival, now_ns), SOTTO_OK);
}

static void handle(size_t who, const struct call_output *output)
{
	struct end *end = &ends[who];

	end->seen[output->type]++;
	if (output->type == CALL_OUT_ROOM_JOIN)
		call_room_joined(end->call, output->keys.epoch, (uint16_t)(10 + who));
	else if (output->type == CALL_OUT_VOICE_PREPARE)
		call_voice_ready(end->call);
	else if (output->type == CALL_OUT_ENDED)
		end->reason = output->reason;
	for (size_t to = 0; to < ENDS && output->type == CALL_OUT_SEND; to++) {
		if (to != who && ends[who].online && ends[to].online)
			deliver(who, to, output);
	}
}

static void settle(void)
{
	struct call_output output;
	bool busy = true;

	while (busy) {
		busy = false;
		for (size_t i = 0; i < ENDS; i++) {
			while (call_next_output(ends[i].call, &output)) {
				handle(i, &output);
				busy = true;
			}
		}
	}
}

/* What this one has to say is heard first. */
static void settle_from(size_t first)
{
	struct call_output output;

	while (call_next_output(ends[first].call, &output))
		handle(first, &output);
}

static void pass(uint64_t ms)
{
	now_ns += ms * MS;
	for (size_t i = 0; i < ENDS; i++) {
		if (now_ns >= call_deadline(ends[i].call))
			call_handle_deadline(ends[i].call, now_ns);
	}
	settle();
}

static void dial(size_t who)
{
	uint8_t id[CALL_ID_LEN] = {1};

	assert_int_equal(call_dial(ends[who].call, id, conversation, &epoch, now_ns), SOTTO_OK);
	settle();
}

static enum call_state state_of(size_t number)
{
	return call_state_of(ends[number].call);
}

/* All ring but the text-only one; the first that answers has the call, the others stop. */
static void test_all_ring_and_one_answers(void **state)
{
	(void)state;
	dial(0);
	assert_int_equal(state_of(0), CALL_FAR_RINGING);
	assert_int_equal(state_of(1), CALL_IDLE);
	assert_int_equal(state_of(2), CALL_RINGING);
	assert_int_equal(state_of(3), CALL_RINGING);
	assert_int_equal(state_of(TEXT), CALL_IDLE);
	pass(5000);
	assert_int_equal(call_answer(ends[3].call, now_ns), SOTTO_OK);
	settle();
	assert_int_equal(state_of(0), CALL_ACTIVE);
	assert_int_equal(state_of(3), CALL_ACTIVE);
	assert_int_equal(state_of(2), CALL_TAIL);
	assert_int_equal(ends[2].reason, CALL_REASON_ELSEWHERE);
	assert_int_equal(ends[2].seen[CALL_OUT_RING_STOP], 1);
	assert_int_equal(ends[2].seen[CALL_OUT_VOICE_PREPARE], 0);
	assert_memory_equal(call_peer_device(ends[0].call).data, ends[3].device, CALL_DEVICE_LEN);
	/* The caller takes frames of the device that answered, and of no other. */
	assert_true(ends[0].seen[CALL_OUT_VOICE_SENDER] > 0);
	pass(6000);
	assert_int_equal(state_of(2), CALL_IDLE);
	assert_int_equal(state_of(0), CALL_ACTIVE);
	assert_int_equal(call_hang_up(ends[0].call, now_ns), SOTTO_OK);
	settle();
	assert_int_equal(ends[3].reason, CALL_REASON_HUNG_UP);
	assert_int_equal(ends[1].seen[CALL_OUT_RING_START], 0);
}

/* A key is pressed on two at the same moment: the first answer that the caller reads counts, and the other one is told. */
static void test_two_answer_at_once(void **state)
{
	(void)state;
	for (size_t first = 2; first < 4; first++) {
		size_t other = 5 - first;

		dial(0);
		/* Neither has heard of the other's. */
		assert_int_equal(call_answer(ends[first].call, now_ns), SOTTO_OK);
		assert_int_equal(call_answer(ends[other].call, now_ns), SOTTO_OK);
		settle_from(first);
		settle();
		assert_int_equal(state_of(0), CALL_ACTIVE);
		assert_int_equal(state_of(first), CALL_ACTIVE);
		assert_int_equal(state_of(other), CALL_TAIL);
		assert_int_equal(ends[other].reason, CALL_REASON_ELSEWHERE);
		assert_memory_equal(call_peer_device(ends[0].call).data, ends[first].device,
				    CALL_DEVICE_LEN);
		pass(6000);
		assert_int_equal(state_of(0), CALL_ACTIVE);
		assert_int_equal(state_of(first), CALL_ACTIVE);
		assert_int_equal(call_hang_up(ends[first].call, now_ns), SOTTO_OK);
		settle();
		assert_int_equal(ends[0].reason, CALL_REASON_HUNG_UP);
		/* Their tails, and then all are as they were. */
		pass(6000);
		teardown(state);
		setup(state);
	}
}

static void test_one_refuses_for_all(void **state)
{
	(void)state;
	dial(0);
	assert_int_equal(call_hang_up(ends[2].call, now_ns), SOTTO_OK);
	settle();
	assert_int_equal(ends[0].reason, CALL_REASON_REFUSED);
	assert_int_equal(ends[3].reason, CALL_REASON_ELSEWHERE);
}

/* In a call on one device the person is busy, and the other one does not ring on. */
static void test_busy_on_one_device(void **state)
{
	uint8_t id[CALL_ID_LEN] = {2};
	static const uint8_t another[CALL_CONVERSATION_LEN] = {8};

	(void)state;
	ends[2].online = false;
	assert_int_equal(call_dial(ends[2].call, id, another, &epoch, now_ns), SOTTO_OK);
	settle();
	ends[2].online = true;
	dial(0);
	assert_int_equal(ends[0].reason, CALL_REASON_BUSY);
	assert_int_equal(state_of(2), CALL_DIALLING);
	assert_int_not_equal(state_of(3), CALL_RINGING);
}

/* The text-only device does not end what others may answer; alone it is the reason at the end. */
static void test_text_only_is_no_answer(void **state)
{
	(void)state;
	ends[2].online = ends[3].online = false;
	dial(0);
	assert_int_equal(state_of(0), CALL_DIALLING);
	pass(CALL_REACH_MS);
	assert_int_equal(ends[0].reason, CALL_REASON_NO_VOICE);
}

static void test_cancelled_everywhere(void **state)
{
	(void)state;
	dial(1);
	assert_int_equal(call_hang_up(ends[1].call, now_ns), SOTTO_OK);
	settle();
	assert_int_equal(ends[2].reason, CALL_REASON_CANCELLED);
	assert_int_equal(ends[3].reason, CALL_REASON_CANCELLED);
	assert_int_equal(state_of(0), CALL_IDLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_ring_and_one_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_answer_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_refuses_for_all, setup, teardown),
		cmocka_unit_test_setup_teardown(test_busy_on_one_device, setup, teardown),
		cmocka_unit_test_setup_teardown(test_text_only_is_no_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancelled_everywhere, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
