/* SPDX-License-Identifier: Apache-2.0 */
/* Rooms: who hears whom, slots that nobody gets twice, every limit; and the token bucket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "relay/bucket.h"
#include "relay/rooms.h"

static int make_rooms(void **state)
{
	struct relay_rooms *rooms;

	if (relay_rooms_create(&allocator_default, &rooms) != SOTTO_OK)
		return -1;
	*state = rooms;
	return 0;
}

static int drop_rooms(void **state)
{
	relay_rooms_destroy(*state);
	return 0;
}

static enum sotto_err join(struct relay_rooms *rooms, uint64_t link, uint16_t number,
			   uint8_t *index, uint16_t *slot)
{
	uint8_t token[WIRE_TOKEN_LEN] = {(uint8_t)number, (uint8_t)(number >> 8)};

	return relay_rooms_join(rooms, link, token, index, slot);
}

static size_t hearers(const struct relay_rooms *rooms, uint64_t link, uint8_t index)
{
	struct relay_room_target targets[RELAY_ROOM_LINKS_MAX];
	uint16_t slot;
	size_t count;

	if (relay_rooms_targets(rooms, link, index, &slot, targets, &count) != SOTTO_OK)
		return SIZE_MAX;
	for (size_t i = 0; i < count; i++)
		assert_int_not_equal(targets[i].link, link);
	return count;
}

static void test_who_hears_whom(void **state)
{
	struct relay_rooms *rooms = *state;
	struct relay_room_target targets[RELAY_ROOM_LINKS_MAX];
	uint8_t a;
	uint8_t b;
	uint8_t other;
	uint16_t slot_a;
	uint16_t slot_b;
	uint16_t slot;
	size_t count;

	assert_int_equal(join(rooms, 100, 7, &other, &slot), SOTTO_OK);
	assert_int_equal(join(rooms, 100, 1, &a, &slot_a), SOTTO_OK);
	assert_int_equal(join(rooms, 200, 1, &b, &slot_b), SOTTO_OK);
	assert_int_equal(a, 1);
	assert_int_equal(b, 0);
	assert_int_not_equal(slot_a, slot_b);
	assert_int_equal(relay_rooms_targets(rooms, 100, a, &slot, targets, &count), SOTTO_OK);
	assert_int_equal(count, 1);
	assert_int_equal(targets[0].link, 200);
	assert_int_equal(targets[0].room, b);
	assert_int_equal(slot, slot_a);
	assert_int_equal(hearers(rooms, 100, other), 0);
	assert_int_equal(hearers(rooms, 300, 0), SIZE_MAX);
	assert_int_equal(hearers(rooms, 200, 1), SIZE_MAX);

	/* Joining again is the same place; leaving and joining is another slot. */
	assert_int_equal(join(rooms, 200, 1, &b, &slot), SOTTO_OK);
	assert_int_equal(slot, slot_b);
	assert_int_equal(relay_rooms_leave(rooms, 200, b), SOTTO_OK);
	assert_int_equal(relay_rooms_leave(rooms, 200, b), SOTTO_ERR_NOT_FOUND);
	assert_int_equal(hearers(rooms, 100, a), 0);
	assert_int_equal(join(rooms, 200, 1, &b, &slot), SOTTO_OK);
	assert_int_not_equal(slot, slot_b);
	assert_int_not_equal(slot, slot_a);
	relay_rooms_leave_all(rooms, 100);
	assert_int_equal(relay_rooms_count(rooms), 1);
	relay_rooms_leave_all(rooms, 200);
	relay_rooms_leave_all(rooms, 200);
	assert_int_equal(relay_rooms_count(rooms), 0);
}

static void test_limits(void **state)
{
	struct relay_rooms *rooms = *state;
	uint8_t index;
	uint16_t slot;

	for (uint64_t link = 0; link < RELAY_ROOM_LINKS_MAX; link++)
		assert_int_equal(join(rooms, link, 1, &index, &slot), SOTTO_OK);
	assert_int_equal(join(rooms, 1000, 1, &index, &slot), SOTTO_ERR_LIMIT);
	for (uint16_t number = 2; number < 2 + RELAY_LINK_ROOMS_MAX; number++)
		assert_int_equal(join(rooms, 1000, number, &index, &slot), SOTTO_OK);
	assert_int_equal(join(rooms, 1000, 500, &index, &slot), SOTTO_ERR_LIMIT);
	assert_int_equal(relay_rooms_count(rooms), 1 + RELAY_LINK_ROOMS_MAX);
	relay_rooms_leave_all(rooms, 1000);
	assert_int_equal(relay_rooms_count(rooms), 1);
	for (uint16_t number = 2; number <= RELAY_ROOMS_MAX; number++)
		assert_int_equal(join(rooms, 10000u + number, number, &index, &slot), SOTTO_OK);
	assert_int_equal(relay_rooms_count(rooms), RELAY_ROOMS_MAX);
	assert_int_equal(join(rooms, 5, RELAY_ROOMS_MAX + 1, &index, &slot), SOTTO_ERR_LIMIT);
}

static void test_slots_run_out(void **state)
{
	struct relay_rooms *rooms = *state;
	uint8_t index;
	uint16_t slot;

	assert_int_equal(join(rooms, 1, 1, &index, &slot), SOTTO_OK);
	for (uint32_t i = 2; i <= UINT16_MAX; i++) {
		assert_int_equal(join(rooms, 2, 1, &index, &slot), SOTTO_OK);
		assert_int_equal(slot, i);
		assert_int_equal(relay_rooms_leave(rooms, 2, index), SOTTO_OK);
	}
	assert_int_equal(join(rooms, 2, 1, &index, &slot), SOTTO_ERR_LIMIT);
}

static void test_stamp(void **state)
{
	uint8_t datagram[] = {1, 0, 0, 0xaa};
	struct wire_datagram read;

	(void)state;
	relay_datagram_stamp(datagram, 5, 0x1234);
	assert_int_equal(wire_datagram_decode(BYTES_OF(datagram), &read), SOTTO_OK);
	assert_int_equal(read.room, 5);
	assert_int_equal(read.slot, 0x1234);
	assert_int_equal(read.payload.len, 1);
}

static void test_bucket(void **state)
{
	const uint64_t second = UINT64_C(1000000000);
	struct relay_bucket bucket;

	(void)state;
	relay_bucket_init(&bucket, 10, second);
	assert_false(relay_bucket_take(&bucket, 11, 10, 2, second));
	assert_true(relay_bucket_take(&bucket, 10, 10, 2, second));
	assert_false(relay_bucket_take(&bucket, 1, 10, 2, second));
	assert_int_equal(relay_bucket_wait_ms(&bucket, 1, 2), 500);
	/* Many looks in between do not lose what is too short to gain. */
	for (uint64_t ms = 0; ms < 500; ms++)
		assert_false(relay_bucket_take(&bucket, 1, 10, 2, second + ms * 1000000));
	assert_true(relay_bucket_take(&bucket, 1, 10, 2, second + 500 * 1000000));
	assert_false(relay_bucket_take(&bucket, 1, 10, 2, second)); /* a clock that stands */
	assert_true(relay_bucket_take(&bucket, 10, 10, 2, 1000000 * second));
	assert_false(relay_bucket_take(&bucket, 1, 10, 2, 1000000 * second));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_who_hears_whom, make_rooms, drop_rooms),
		cmocka_unit_test_setup_teardown(test_limits, make_rooms, drop_rooms),
		cmocka_unit_test_setup_teardown(test_slots_run_out, make_rooms, drop_rooms),
		cmocka_unit_test(test_stamp),
		cmocka_unit_test(test_bucket),
	};

	return cmocka_run_group_tests_name("rooms", tests, NULL, NULL);
}
