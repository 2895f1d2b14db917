/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receipts: in a group of few each is sent at once; in a larger one it waits, and is for all that came meanwhile. Nothing
 * that was due is forgotten when the link goes or the program ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/talk/circle.h"
#include "tests/talk/steps.h"

#define MANY 24

/* Receipts that each phone sent, each once. */
static struct {
	struct circle circle;
	uint32_t receipts[MANY];
	uint8_t seen[1024][32];
	size_t count;
	bool waited;
} heard;

static bool is_new(struct bytes sealed)
{
	/* By its nonce. */
	for (size_t i = 0; i < heard.count; i++) {
		if (memcmp(heard.seen[i], sealed.data, sizeof(heard.seen[i])) == 0)
			return false;
	}
	assert_true(heard.count < ARRAY_LEN(heard.seen));
	memcpy(heard.seen[heard.count++], sealed.data, sizeof(heard.seen[0]));
	return true;
}

static void request_sent(void *context, const struct talk *talk, struct bytes request)
{
	const struct talk_group *group = talk_group_by_id(talk, heard.circle.id);
	uint32_t number = talk_extension_of(talk, UINT32_MAX) - world_extension(context, 0);
	uint8_t name[WIRE_HASH_LEN];
	struct bytes sealed;

	if (group == NULL || !append_read(request, name, &sealed))
		return;
	heard.waited = heard.waited || group->tell_due_ns != 0;
	list_for_each (element, following, &group->outbox) {
		const struct talk_out *out = CONTAINER_OF(element, struct talk_out, list);

		if (out->type == TALK_BODY_RECEIPT && out->records.count == 1 &&
		    bytes_equal(sealed, talk_blob_bytes(&out->records.items[0])) && is_new(sealed))
			heard.receipts[number]++;
	}
}

static void begin(uint64_t seed, uint32_t devices)
{
	memset(&heard, 0, sizeof(heard));
	circle_begin(&heard.circle, seed, devices, (PHONE(devices) - 1) & ~PHONE(0));
	world_run(heard.circle.world, 120);
	assert_true(circle_holds(&heard.circle, PHONE(devices) - 1, "Harbour"));
	world_listen(heard.circle.world, request_sent, heard.circle.world);
}

static uint32_t receipts(void)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < MANY; i++)
		sum += heard.receipts[i];
	return sum;
}

static void test_few(void **state)
{
	(void)state;
	begin(1, TALK_TELL_DEVICES);
	for (uint32_t text = 1; text <= 3; text++) {
		assert_int_equal(circle_send(&heard.circle, 0, text), SOTTO_OK);
		world_run_ms(heard.circle.world, 400);
		assert_int_equal(circle_state(&heard.circle, 0, text), TALK_MESSAGE_DELIVERED);
	}
	assert_false(heard.waited);
	for (uint32_t i = 1; i < TALK_TELL_DEVICES; i++)
		assert_int_equal(heard.receipts[i], 3);
	circle_end(&heard.circle);
}

/* Three write within the time that the first receipt waits for: one of each device is for all of them. */
static void test_many(void **state)
{
	uint64_t first_ms = MANY * TALK_TELL_MS;

	(void)state;
	begin(2, MANY);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(circle_send(&heard.circle, i, i + 1), SOTTO_OK);
		world_run_ms(heard.circle.world, 100);
	}
	world_run_ms(heard.circle.world, first_ms - 300);
	assert_int_equal(receipts(), 0);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(circle_state(&heard.circle, i, i + 1), TALK_MESSAGE_STORED);
	world_run_ms(heard.circle.world, first_ms + 1000);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(circle_state(&heard.circle, i, i + 1), TALK_MESSAGE_DELIVERED);
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(heard.receipts[i], 1);
	world_run(heard.circle.world, 60);
	assert_int_equal(receipts(), MANY);
	for (uint32_t i = 0; i < MANY; i++) {
		assert_true(list_empty(&circle_group(&heard.circle, i)->outbox));
		assert_int_equal(circle_group(&heard.circle, i)->tell_due_ns, 0);
	}
	circle_end(&heard.circle);
}

/* What was due is told on the next link, without a new wait; until then its sender waits. */
static void test_link(void **state)
{
	(void)state;
	begin(3, MANY);
	assert_int_equal(circle_send(&heard.circle, 0, 1), SOTTO_OK);
	world_run_ms(heard.circle.world, 300);
	assert_int_equal(circle_received(&heard.circle, 5, 0, 1), 1);
	world_link(heard.circle.world, 5, false);
	world_run(heard.circle.world, 60);
	assert_int_equal(heard.receipts[5], 0);
	assert_int_equal(circle_state(&heard.circle, 0, 1), TALK_MESSAGE_STORED);
	world_link(heard.circle.world, 5, true);
	for (uint32_t i = 0; i < 100 && heard.receipts[5] == 0; i++) {
		world_run_ms(heard.circle.world, 10);
		assert_true(circle_group(&heard.circle, 5)->tell_due_ns <
			    world_now(heard.circle.world));
	}
	world_run(heard.circle.world, 1);
	assert_int_equal(heard.receipts[5], 1);
	assert_int_equal(circle_state(&heard.circle, 0, 1), TALK_MESSAGE_DELIVERED);
	circle_end(&heard.circle);
}

static void test_restart(void **state)
{
	(void)state;
	begin(4, MANY);
	assert_int_equal(circle_send(&heard.circle, 0, 1), SOTTO_OK);
	world_run_ms(heard.circle.world, 300);
	assert_int_equal(circle_received(&heard.circle, 5, 0, 1), 1);
	assert_int_equal(heard.receipts[5], 0);
	world_restart(world_phone(heard.circle.world, 5));
	assert_int_equal(circle_group(&heard.circle, 5)->tell_due_ns, TALK_TELL_NOW);
	world_run(heard.circle.world, 10);
	assert_int_equal(heard.receipts[5], 1);
	assert_int_equal(circle_state(&heard.circle, 0, 1), TALK_MESSAGE_DELIVERED);
	circle_end(&heard.circle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
