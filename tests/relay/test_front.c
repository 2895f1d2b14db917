/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phones and a relay, whole, without a socket: founding by the claim, what each authority may do, new access
 * keys and who falls to catch-up, watches across links, rooms, quotas.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "tests/relay/requests.h"

static struct network_answer hello(size_t phone)
{
	struct wire_hello message = {.version = WIRE_VERSION};
	const struct network_answer *answer = network_answer(
		&network, phone, network_ask(&network, phone, &wire_hello_type, &message));

	assert_non_null(answer);
	assert_int_equal(answer->number, wire_number_link_state);
	return *answer;
}

static uint8_t join(size_t phone, uint8_t token, uint8_t *room, uint16_t *slot)
{
	struct wire_room_join message = {.room_token = {token}};
	const struct network_answer *answer = network_answer(
		&network, phone, network_ask(&network, phone, &wire_room_join_type, &message));

	if (answer == NULL)
		return 254;
	if (answer->number != wire_number_room_joined)
		return answer->status;
	*room = answer->room;
	*slot = answer->slot;
	return OTHER;
}

static void test_claim_founds_once(void **state)
{
	struct fixture_drop drop;

	(void)state;
	fixture_drop(1, 0, &drop);
	network_connect(&network, 0, LINK_KEY_CLAIM, 0, relay_front_access(network.front)->claim);
	assert_int_equal(network.phones[0].status.state, LINK_CLIENT_UP);
	assert_int_equal(hello(0).authority, WIRE_AUTHORITY_CLAIM);
	assert_int_equal(append(0, &drop, 1), REFUSED);
	network.refuse_save = true;
	assert_int_equal(found(0), WIRE_STATUS_FAILED);
	assert_false(relay_access_founded(relay_front_access(network.front)));
	network.refuse_save = false;
	assert_int_equal(found(0), OK);
	assert_int_equal(network.kept_generation, 2);
	assert_true(network.saved_len > 0);
	assert_int_equal(found(0), WIRE_STATUS_STALE);

	/* The founder's link shows the new key and goes on; the claim opens nothing any more. */
	assert_true(hello(0).prove_within_ms > 0);
	assert_int_equal(prove(0, 1, next_key), REFUSED);
	assert_int_equal(prove(0, 1, access_key), OK);
	assert_int_equal(append(0, &drop, 1), OTHER);
	assert_int_equal(hello(0).authority, WIRE_AUTHORITY_FULL);
	network_connect(&network, 1, LINK_KEY_CLAIM, 0, network.phones[0].key.secret);
	network_run(&network, 3000);
	assert_int_not_equal(network.phones[1].status.state, LINK_CLIENT_UP);
}

static void test_what_the_porch_may_do(void **state)
{
	struct fixture_drop plain;
	struct fixture_drop inbox;
	uint16_t slot;
	uint8_t room;

	(void)state;
	fixture_drop(1, 0, &plain);
	fixture_drop(2, WIRE_DROP_INBOX, &inbox);
	assert_int_equal(append(0, &plain, 1), OTHER);
	assert_int_equal(append(0, &inbox, 1), OTHER);
	network_connect(&network, 1, LINK_KEY_PORCH, 1, porch_key);
	assert_int_equal(hello(1).authority, WIRE_AUTHORITY_PORCH);
	assert_int_equal(append(1, &porch, 1), OTHER);
	assert_int_equal(append(1, &plain, 2), REFUSED);
	assert_int_equal(append(1, &inbox, 2), REFUSED);
	assert_int_equal(read_drop(1, &porch), REFUSED);
	assert_int_equal(read_drop(1, &plain), REFUSED);
	assert_int_equal(read_drop(1, &inbox), OTHER);
	assert_int_equal(join(1, 1, &room, &slot), REFUSED);
	assert_int_equal(install(1, 2, next_key), REFUSED);
	assert_int_equal(read_drop(0, &porch), OTHER);
}

static void test_a_new_key_and_who_does_not_prove_it(void **state)
{
	struct fixture_drop plain;
	struct fixture_drop marked;
	uint64_t watched;
	uint16_t slot;
	uint8_t room;

	(void)state;
	fixture_drop(1, 0, &plain);
	fixture_drop(2, WIRE_DROP_CATCH_UP, &marked);
	network_connect(&network, 1, LINK_KEY_ACCESS, 1, access_key);
	assert_int_equal(append(1, &plain, 1), OTHER);
	assert_int_equal(append(1, &marked, 1), OTHER);
	watched = watch(1, &plain);
	assert_int_equal(join(1, 1, &room, &slot), OTHER);
	assert_int_equal(install(0, 1, next_key), WIRE_STATUS_STALE);
	assert_int_equal(install(0, 2, next_key), OK);
	assert_int_equal(install(0, 2, next_key), WIRE_STATUS_STALE);
	assert_int_equal(prove(0, 2, next_key), OK);
	assert_int_equal(prove(1, 2, access_key), REFUSED);

	/* Until its time is over, phone 1 is as before. */
	network_run(&network, RELAY_PROVE_MS - 2000);
	assert_int_equal(append(1, &plain, 2), OTHER);
	assert_int_equal(network_answer(&network, 1, watched)->end, 2);
	assert_int_equal(network.phones[1].ended, 0);
	network_run(&network, 2000);
	assert_int_equal(hello(1).authority, WIRE_AUTHORITY_CATCH_UP);
	assert_int_equal(network.phones[1].ended, 1); /* its watch */
	assert_int_equal(append(1, &plain, 3), REFUSED);
	assert_int_equal(read_drop(1, &plain), REFUSED);
	assert_int_equal(read_drop(1, &marked), OTHER);
	assert_int_equal(join(1, 1, &room, &slot), REFUSED);

	/* A late proof raises it; a past key still opens catch-up; the other is not disturbed. */
	assert_int_equal(prove(1, 2, next_key), OK);
	assert_int_equal(append(1, &plain, 3), OTHER);
	network_connect(&network, 2, LINK_KEY_ACCESS, 1, access_key);
	assert_int_equal(hello(2).authority, WIRE_AUTHORITY_CATCH_UP);
	assert_int_equal(hello(0).authority, WIRE_AUTHORITY_FULL);
	network_connect(&network, 3, LINK_KEY_ACCESS, 2, next_key);
	assert_int_equal(hello(3).authority, WIRE_AUTHORITY_FULL);
}

static void test_watches_across_links(void **state)
{
	struct fixture_drop drop;
	uint64_t request;

	(void)state;
	fixture_drop(1, 0, &drop);
	network_connect(&network, 1, LINK_KEY_ACCESS, 1, access_key);
	request = watch(1, &drop);
	assert_int_equal(network_answer(&network, 1, request)->status, WIRE_STATUS_NOT_FOUND);
	for (uint32_t i = 1; i <= 10; i++) {
		assert_int_equal(append(0, &drop, i), OTHER);
		assert_int_equal(network_answer(&network, 1, request)->end, i);
	}
	link_client_cancel(network.phones[1].client, request);
	network_run(&network, 200);
	assert_int_equal(append(0, &drop, 11), OTHER);
	assert_int_equal(network_answer(&network, 1, request)->end, 10);
}

/* What a phone does not take stays in the store: the relay holds a bounded part of it, and nothing is lost. */
static void test_a_phone_that_does_not_take_its_answers(void **state)
{
	static const uint32_t count = 100; /* of 64 KiB: more than link_server holds for one link */
	struct link_server_limits limits = link_server_limits_default;
	struct fixture_drop drop;
	uint64_t request;
	uint64_t end;

	(void)state;
	fixture_drop(1, 0, &drop);
	for (uint32_t i = 1; i <= count; i++)
		assert_int_equal(append_len(0, &drop, i, WIRE_RECORD_LEN_64), OTHER);
	network_connect(&network, 1, LINK_KEY_ACCESS, 1, access_key);
	network.phones[1].stalled = true;
	request = watch(1, &drop);
	network_run(&network, 3000);
	end = network_answer(&network, 1, request)->end;
	assert_true(end > 0 && end * WIRE_RECORD_LEN_64 <= limits.reply_bytes);
	assert_int_equal(network.phones[1].status.state, LINK_CLIENT_UP);
	network_resume(&network, 1);
	network_run(&network, 3000);
	assert_int_equal(network_answer(&network, 1, request)->end, count);
	assert_int_equal(network.phones[1].answer_count, count);
	assert_int_equal(append(0, &drop, count + 1), OTHER);
	assert_int_equal(network_answer(&network, 1, request)->end, count + 1);
}

static void send_datagram(size_t phone, uint8_t room, uint8_t what)
{
	uint8_t datagram[100] = {room, 0xff, 0xff, what};
	struct link_path path = {.socket = 0, .remote = {.port = (uint16_t)(1000 + phone)}};
	struct link_packet packet = {.len = 0};

	assert_int_equal(link_client_datagram(network.phones[phone].client, BYTES_OF(datagram),
					      network.now_ns, &packet),
			 SOTTO_OK);
	assert_true(packet.len > 0);
	relay_front_receive(network.front, &path, BYTES(packet.data, packet.len), network.now_ns,
			    network.utc_ms);
}

static void test_rooms(void **state)
{
	uint8_t rooms[3];
	uint16_t slots[3];
	uint8_t other;
	uint16_t slot;

	(void)state;
	network_connect(&network, 1, LINK_KEY_ACCESS, 1, access_key);
	network_connect(&network, 2, LINK_KEY_ACCESS, 1, access_key);
	assert_int_equal(join(1, 50, &other, &slot), OTHER);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(join(i, 77, &rooms[i], &slots[i]), OTHER);
	send_datagram(0, rooms[0], 0x55);
	network_run(&network, 50);
	for (size_t i = 1; i < 3; i++) {
		assert_int_equal(network.phones[i].datagrams, 1);
		assert_int_equal(network.phones[i].last_datagram[0], rooms[i]);
		assert_int_equal(network.phones[i].last_datagram[1], slots[0] >> 8);
		assert_int_equal(network.phones[i].last_datagram[2], slots[0] & 0xff);
		assert_int_equal(network.phones[i].last_datagram[3], 0x55);
	}
	assert_int_equal(network.phones[0].datagrams, 0);
	send_datagram(1, other, 1); /* alone there */
	send_datagram(1, 7, 1);	    /* no room of its */
	network_disconnect(&network, 2);
	network_run(&network, 50);
	send_datagram(1, rooms[1], 0x66);
	network_run(&network, 50);
	assert_int_equal(network.phones[0].datagrams, 1);
	assert_int_equal(network.phones[0].last_datagram[3], 0x66);
}

static void test_datagrams_have_a_rate(void **state)
{
	struct relay_counters counters;
	uint8_t room;
	uint16_t slot;

	(void)state;
	assert_int_equal(join(0, 77, &room, &slot), OTHER);
	for (unsigned int i = 0; i < RELAY_DATAGRAM_BURST + 20; i++) {
		send_datagram(0, room, 1);
		if (i % 8 == 0)
			network_run(&network, 1);
	}
	relay_front_count(network.front, &counters);
	assert_true(counters.values[RELAY_COUNTER_datagrams_over_rate] > 0);
}

static void test_requests_have_a_rate(void **state)
{
	struct wire_hello message = {.version = WIRE_VERSION};
	size_t busy = 0;
	struct writer writer;

	(void)state;
	writer_init_growing(&writer, &allocator_default);
	assert_int_equal(wire_hello_encode(&message, &writer), SOTTO_OK);
	for (unsigned int i = 0; i < RELAY_LINK_REQUEST_BURST + 20; i++) {
		uint64_t request;

		assert_int_equal(link_client_request(network.phones[0].client,
						     writer_bytes(&writer), &request),
				 SOTTO_OK);
		network_run(&network, 2);
	}
	network_run(&network, 300);
	for (size_t i = 0; i < network.phones[0].answer_count; i++)
		busy += network.phones[0].answers[i].status == WIRE_STATUS_BUSY;
	assert_true(busy > 0 && busy <= 20);
	assert_int_equal(network.phones[0].answer_count, RELAY_LINK_REQUEST_BURST + 20);
	writer_release(&writer);
}

static void test_junk_is_malformed_or_refused(void **state)
{
	static const struct {
		uint8_t bytes[4];
		size_t len;
		uint8_t status;
	} table[] = {
		{{0}, 0, WIRE_STATUS_MALFORMED},
		{{0}, 1, REFUSED},
		{{0xff, 1, 2}, 3, REFUSED},
		{{wire_number_append, 1, 2}, 3, WIRE_STATUS_MALFORMED},
		{{wire_number_read}, 1, WIRE_STATUS_MALFORMED},
		{{wire_number_watch}, 1, WIRE_STATUS_MALFORMED},
		{{wire_number_trim}, 1, WIRE_STATUS_MALFORMED},
		{{wire_number_room_join}, 1, WIRE_STATUS_MALFORMED},
		{{wire_number_room_leave}, 1, WIRE_STATUS_MALFORMED},
		{{wire_number_hello}, 1, WIRE_STATUS_MALFORMED},
		{{wire_number_found}, 1, REFUSED},
		{{wire_number_key_install}, 1, WIRE_STATUS_MALFORMED},
		{{wire_number_key_prove}, 1, WIRE_STATUS_MALFORMED},
		{{wire_number_admins_change}, 1, WIRE_STATUS_MALFORMED},
		{{wire_number_porch_install}, 1, WIRE_STATUS_MALFORMED},
		{{wire_number_batch}, 1, REFUSED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		uint64_t request;

		assert_int_equal(link_client_request(network.phones[0].client,
						     BYTES(table[i].bytes, table[i].len), &request),
				 SOTTO_OK);
		network_run(&network, 200);
		assert_non_null(network_answer(&network, 0, request));
		assert_int_equal(network_answer(&network, 0, request)->status, table[i].status);
	}
}

/* Memory runs out at the nth allocation of the relay, for every n until nothing notices any more. */
struct scarce {
	uint64_t left;
	size_t held; /* bytes that were not given back */
	bool refused;
};

static void *scarce_allocate(void *context, size_t len)
{
	struct scarce *scarce = context;

	if (scarce->left == 0) {
		scarce->refused = true;
		return NULL;
	}
	scarce->left--;
	scarce->held += len;
	return allocator_default.allocate(allocator_default.context, len);
}

static void scarce_release(void *context, void *memory, size_t len)
{
	struct scarce *scarce = context;

	scarce->held -= len;
	allocator_default.release(allocator_default.context, memory, len);
}

static void try_everything(const struct fixture_drop *drop)
{
	uint8_t room;
	uint16_t slot;

	network_connect(&network, 0, LINK_KEY_CLAIM, 0, relay_front_access(network.front)->claim);
	if (network.phones[0].status.state != LINK_CLIENT_UP || found(0) != OK ||
	    prove(0, 1, access_key) != OK)
		return;
	(void)watch(0, drop);
	if (network.phones[0].status.state == LINK_CLIENT_UP)
		(void)append(0, drop, 1);
	if (network.phones[0].status.state == LINK_CLIENT_UP)
		(void)join(0, 1, &room, &slot);
}

static void test_memory_runs_out(void **state)
{
	struct scarce scarce = {.refused = true};
	const struct allocator allocator = {scarce_allocate, scarce_release, &scarce};
	struct fixture_drop drop;

	(void)state;
	fixture_drop(1, 0, &drop);
	fixture_drop(99, 0, &porch);
	for (uint64_t n = 0; scarce.refused; n++) {
		scarce = (struct scarce){.left = n};
		if (network_init_with(&network, &allocator)) {
			network.tolerant = true;
			try_everything(&drop);
		}
		network_finish(&network);
		assert_int_equal(scarce.held, 0);
		assert_true(n < 100000);
	}
}

int main(void)
{
#define FRESH(name)   cmocka_unit_test_setup_teardown(name, setup, teardown)
#define FOUNDED(name) cmocka_unit_test_setup_teardown(name, setup_founded, teardown)
	const struct CMUnitTest tests[] = {
		FRESH(test_claim_founds_once),
		FOUNDED(test_what_the_porch_may_do),
		FOUNDED(test_a_new_key_and_who_does_not_prove_it),
		FOUNDED(test_watches_across_links),
		FOUNDED(test_a_phone_that_does_not_take_its_answers),
		FOUNDED(test_rooms),
		FOUNDED(test_datagrams_have_a_rate),
		FOUNDED(test_requests_have_a_rate),
		FOUNDED(test_junk_is_malformed_or_refused),
		cmocka_unit_test(test_memory_runs_out),
	};

	return cmocka_run_group_tests_name("front", tests, NULL, NULL);
}
