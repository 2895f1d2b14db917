/* SPDX-License-Identifier: Apache-2.0 */
/* UDP over both families: batches, the address at both ends, refusals as hints, a full socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/assert.h"
#include "os/clock.h"
#include "os/udp.h"

struct side {
	struct os_udp *udp;
	struct os_loop *loop;
	size_t received;
	size_t unreachable;
	size_t wrong;
	struct os_address local;  /* of the last datagram */
	struct os_address remote; /* of the last datagram, or hint */
	bool echo;
	bool destroys; /* in its callback */
};

static void side_received(void *context, struct os_udp *udp, const struct os_datagram *datagrams,
			  size_t count, uint64_t now_ns)
{
	struct side *side = context;

	assert_true(count >= 1 && count <= OS_UDP_BATCH_MAX && now_ns > 0);
	for (size_t i = 0; i < count; i++) {
		uint8_t number = (uint8_t)side->received++;

		/* Datagram n is n mod 256 repeated 1 + 5n mod 1,200 times. */
		if (datagrams[i].payload.len != 1 + 5 * (size_t)number % 1200 ||
		    datagrams[i].payload.data[datagrams[i].payload.len - 1] != number)
			side->wrong++;
		side->local = datagrams[i].local;
		side->remote = datagrams[i].remote;
	}
	if (side->destroys) {
		os_udp_destroy(udp);
		side->udp = NULL;
	}
	if (side->echo) {
		struct os_datagram answers[OS_UDP_BATCH_MAX];
		size_t sent;

		for (size_t i = 0; i < count; i++)
			answers[i] = (struct os_datagram){datagrams[i].payload, datagrams[i].local,
							  datagrams[i].remote};
		assert_int_equal(os_udp_send(udp, answers, count, &sent), SOTTO_OK);
		assert_int_equal(sent, count);
	}
}

static void side_unreachable(void *context, struct os_udp *udp, const struct os_address *remote)
{
	struct side *side = context;

	(void)udp;
	side->unreachable++;
	side->remote = *remote;
}

static struct os_udp_handler side_handler(struct side *side)
{
	return (struct os_udp_handler){
		.received = side_received, .unreachable = side_unreachable, .context = side};
}

static void stop(struct os_timer *timer, uint64_t now_ns)
{
	(void)timer;
	(void)now_ns;
}

/* Turns until the condition's counter is there, at most 2 s. */
static void turn_until(struct os_loop *loop, const size_t *counter, size_t wanted)
{
	uint64_t end_ns = os_clock_now_ns() + 2 * OS_CLOCK_SECOND_NS;
	struct os_timer timer;

	os_timer_init(&timer, stop);
	os_loop_set_timer(loop, &timer, end_ns);
	while (*counter < wanted && os_clock_now_ns() < end_ns)
		assert_int_equal(os_loop_turn(loop, true), SOTTO_OK);
	os_loop_set_timer(loop, &timer, OS_NEVER);
	assert_int_equal(*counter, wanted);
}

static const struct {
	const char *bind;   /* of the server */
	const char *client; /* to which the client sends, port 0 replaced */
} families[] = {
	{"127.0.0.1:0", "127.0.0.1:0"},
	{"0.0.0.0:0", "127.0.0.3:0"}, /* answered from the address that was asked */
	{"[::1]:0", "[::1]:0"},
	{"[::]:0", "[::1]:0"},
};

static void test_batches_both_ways(void **state)
{
	enum { COUNT = 100 };
	static uint8_t payload[COUNT][1200];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		static struct os_datagram datagrams[COUNT];
		struct side server = {.echo = true};
		struct side client = {0};
		struct os_udp_handler server_handler = side_handler(&server);
		struct os_udp_handler client_handler = side_handler(&client);
		struct os_address address;
		struct os_address target;
		struct os_loop *loop;
		size_t sent = 0;

		assert_int_equal(os_loop_create(&loop), SOTTO_OK);
		assert_int_equal(os_address_parse(families[i].bind, &address), SOTTO_OK);
		assert_int_equal(os_address_parse(families[i].client, &target), SOTTO_OK);
		assert_int_equal(os_udp_bind(loop, &address, &server_handler, &server.udp),
				 SOTTO_OK);
		os_address_set_port(&target, os_address_port(os_udp_local(server.udp)));
		assert_int_equal(os_udp_connect(loop, &target, &client_handler, &client.udp),
				 SOTTO_OK);
		assert_false(os_address_is_wildcard(os_udp_local(client.udp)));
		for (size_t j = 0; j < COUNT; j++) {
			memset(payload[j], (int)j, sizeof(payload[j]));
			datagrams[j] = (struct os_datagram){
				.payload = BYTES(payload[j], 1 + 5 * j % 1200)};
		}
		assert_int_equal(os_udp_send(client.udp, datagrams, COUNT, &sent), SOTTO_OK);
		assert_int_equal(sent, COUNT);
		turn_until(loop, &client.received, COUNT);
		assert_int_equal(server.received, COUNT);
		assert_int_equal(server.wrong + client.wrong, 0);
		assert_true(os_address_equal(&server.local, &target));
		assert_true(os_address_equal(&server.remote, os_udp_local(client.udp)));
		assert_true(os_address_equal(&client.remote, &target));
		assert_true(os_address_equal(&client.local, os_udp_local(client.udp)));
		os_udp_destroy(client.udp);
		os_udp_destroy(server.udp);
		os_loop_destroy(loop);
	}
}

/* Nobody listens: a hint comes, and sending goes on. */
static void test_refusal_is_a_hint(void **state)
{
	static const char *const hosts[] = {"127.0.0.1:0", "[::1]:0"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		for (unsigned connected = 0; connected < 2; connected++) {
			struct side client = {0};
			struct os_udp_handler handler = side_handler(&client);
			struct os_datagram datagram = {.payload = BYTES_TEXT("x")};
			struct os_address address;
			struct os_loop *loop;
			size_t sent = 0;
			int closed;

			assert_int_equal(os_loop_create(&loop), SOTTO_OK);
			assert_int_equal(os_address_parse(hosts[i], &address), SOTTO_OK);
			/* A port that was ours and is free again. */
			assert_int_equal(os_udp_bind_descriptor(&address, &closed), SOTTO_OK);
			assert_int_equal(os_udp_adopt(loop, closed, &handler, &client.udp),
					 SOTTO_OK);
			datagram.remote = *os_udp_local(client.udp);
			os_udp_destroy(client.udp);
			if (connected != 0)
				assert_int_equal(os_udp_connect(loop, &datagram.remote, &handler,
								&client.udp),
						 SOTTO_OK);
			else
				assert_int_equal(os_udp_bind(loop, &address, &handler, &client.udp),
						 SOTTO_OK);
			assert_int_equal(os_udp_send(client.udp, &datagram, 1, &sent), SOTTO_OK);
			assert_int_equal(sent, 1);
			turn_until(loop, &client.unreachable, 1);
			assert_true(os_address_equal(&client.remote, &datagram.remote));
			assert_int_equal(os_udp_send(client.udp, &datagram, 1, &sent), SOTTO_OK);
			turn_until(loop, &client.unreachable, 2);
			os_udp_destroy(client.udp);
			os_loop_destroy(loop);
		}
	}
}

static void test_binding_fails_with_a_reason(void **state)
{
	static const struct {
		const char *address;
		enum sotto_err err;
	} table[] = {
		{"192.0.2.1:0", SOTTO_ERR_NOT_FOUND}, /* TEST-NET-1: never ours */
		{NULL, SOTTO_ERR_EXISTS},	      /* the one that is bound already */
	};
	struct side side = {0};
	struct os_udp_handler handler = side_handler(&side);
	struct os_address bound;
	struct os_loop *loop;
	int pair[2];

	(void)state;
	assert_int_equal(os_loop_create(&loop), SOTTO_OK);
	assert_int_equal(os_address_parse("127.0.0.1:0", &bound), SOTTO_OK);
	assert_int_equal(os_udp_bind(loop, &bound, &handler, &side.udp), SOTTO_OK);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct os_address address = *os_udp_local(side.udp);
		struct os_udp *none = NULL;

		if (table[i].address != NULL)
			assert_int_equal(os_address_parse(table[i].address, &address), SOTTO_OK);
		assert_int_equal(os_udp_bind(loop, &address, &handler, &none), table[i].err);
		assert_null(none);
	}
	assert_int_equal(pipe(pair), 0);
	assert_int_not_equal(os_udp_adopt(loop, pair[0], &handler, &side.udp), SOTTO_OK);
	close(pair[0]); /* still ours */
	close(pair[1]);
	os_udp_destroy(side.udp);
	os_loop_destroy(loop);
}

/* Longer than the buffer is dropped, not cut; what comes behind it arrives. */
static void test_too_long_is_dropped(void **state)
{
	static uint8_t payload[OS_UDP_PAYLOAD_MAX + 1];
	struct side server = {0};
	struct side client = {0};
	struct os_udp_handler server_handler = side_handler(&server);
	struct os_udp_handler client_handler = side_handler(&client);
	struct os_datagram datagrams[2] = {{.payload = BYTES_OF(payload)},
					   {.payload = BYTES(payload, 1)}};
	struct os_address address;
	struct os_loop *loop;
	size_t sent;

	(void)state;
	assert_int_equal(os_loop_create(&loop), SOTTO_OK);
	assert_int_equal(os_address_parse("127.0.0.1:0", &address), SOTTO_OK);
	assert_int_equal(os_udp_bind(loop, &address, &server_handler, &server.udp), SOTTO_OK);
	assert_int_equal(
		os_udp_connect(loop, os_udp_local(server.udp), &client_handler, &client.udp),
		SOTTO_OK);
	assert_int_equal(os_udp_send(client.udp, datagrams, 2, &sent), SOTTO_OK);
	turn_until(loop, &server.received, 1);
	assert_int_equal(server.wrong, 0);
	os_udp_destroy(client.udp);
	os_udp_destroy(server.udp);
	os_loop_destroy(loop);
}

static void test_destroying_in_a_callback(void **state)
{
	struct side server = {.destroys = true};
	struct side client = {0};
	struct os_udp_handler server_handler = side_handler(&server);
	struct os_udp_handler client_handler = side_handler(&client);
	uint8_t zero = 0;
	struct os_datagram datagrams[OS_UDP_BATCH_MAX + 8];
	struct os_address address;
	struct os_loop *loop;
	size_t sent;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(datagrams); i++)
		datagrams[i] = (struct os_datagram){.payload = BYTES(&zero, 1)};
	assert_int_equal(os_loop_create(&loop), SOTTO_OK);
	assert_int_equal(os_address_parse("127.0.0.1:0", &address), SOTTO_OK);
	assert_int_equal(os_udp_bind(loop, &address, &server_handler, &server.udp), SOTTO_OK);
	assert_int_equal(
		os_udp_connect(loop, os_udp_local(server.udp), &client_handler, &client.udp),
		SOTTO_OK);
	assert_int_equal(os_udp_send(client.udp, datagrams, ARRAY_LEN(datagrams), &sent), SOTTO_OK);
	turn_until(loop, &server.received, OS_UDP_BATCH_MAX); /* one batch, and no more */
	assert_null(server.udp);
	os_udp_destroy(client.udp);
	os_loop_destroy(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_batches_both_ways),
		cmocka_unit_test(test_refusal_is_a_hint),
		cmocka_unit_test(test_binding_fails_with_a_reason),
		cmocka_unit_test(test_too_long_is_dropped),
		cmocka_unit_test(test_destroying_in_a_callback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
