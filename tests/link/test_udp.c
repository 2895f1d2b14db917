/* SPDX-License-Identifier: Apache-2.0 */
/* Both engines over real sockets of the system, IPv4 and IPv6, with a change of the phone's socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "crypto/sign.h"
#include "link/link_client.h"
#include "link/link_os.h"
#include "link/link_server.h"
#include "os/clock.h"
#include "os/random.h"
#include "os/udp.h"

#define PATIENCE_NS UINT64_C(10000000000)

static struct {
	struct os_loop *loop;
	struct os_timer tick;
	struct link_server *server;
	struct os_udp *relay;
	struct link_client *client;
	struct os_udp *phone;
	uint32_t generation;
	uint8_t relay_private[32];
	struct link_client_status status;
	unsigned replies, datagrams;
	bool wrong_size;
} net;

static void pump(struct os_udp *udp, bool phone)
{
	for (;;) {
		struct os_datagram datagram = {0};
		struct link_packet packet;
		size_t sent;

		if (phone)
			link_client_send(net.client, os_clock_now_ns(), &packet);
		else
			link_server_send(net.server, os_clock_now_ns(), &packet);
		if (packet.len == 0)
			return;
		net.wrong_size = net.wrong_size || packet.len != LINK_FULL_LEN;
		datagram.payload = BYTES(packet.data, packet.len);
		link_address_to_os(&packet.path.remote, &datagram.remote);
		(void)!os_udp_send(udp, &datagram, 1, &sent);
	}
}

static void received(void *context, struct os_udp *udp, const struct os_datagram *datagrams,
		     size_t count, uint64_t now_ns)
{
	(void)context;
	for (size_t i = 0; i < count; i++) {
		struct link_path path = {0};

		link_address_from_os(&datagrams[i].remote, &path.remote);
		if (udp == net.relay) {
			link_server_receive(net.server, &path, datagrams[i].payload, now_ns,
					    os_clock_utc_ms());
			continue;
		}
		path.socket = net.generation;
		link_client_receive(net.client, &path, datagrams[i].payload, now_ns,
				    os_clock_utc_ms());
	}
	pump(net.relay, false);
	pump(net.phone, true);
}

/* Every millisecond: coarse, and enough for a test. */
static void ticked(struct os_timer *timer, uint64_t now_ns)
{
	if (link_server_deadline(net.server) <= now_ns)
		link_server_handle_deadline(net.server, now_ns);
	if (link_client_deadline(net.client) <= now_ns)
		link_client_handle_deadline(net.client, now_ns, os_clock_utc_ms());
	pump(net.relay, false);
	pump(net.phone, true);
	os_loop_set_timer(net.loop, timer, now_ns + OS_CLOCK_MS_NS);
}

static void on_open(void *context, uint64_t link)
{
	(void)context;
	(void)link;
}

static void on_prove(void *context, uint64_t link, const uint8_t *exporter)
{
	static const uint8_t network[LINK_NETWORK_ID_LEN];
	uint8_t message[LINK_PROOF_MESSAGE_LEN];
	uint8_t signature[SIGN_SIGNATURE_LEN_MAX];
	size_t len;

	(void)context;
	link_proof_message(network, exporter, message);
	assert_int_equal(sign_create(SIGN_ED25519, NULL, BYTES_OF(net.relay_private),
				     BYTES_OF(message), signature, &len),
			 SOTTO_OK);
	assert_int_equal(link_server_proven(net.server, link, signature, os_clock_utc_ms()),
			 SOTTO_OK);
}

static void on_request(void *context, uint64_t link, uint64_t stream, struct bytes bytes)
{
	(void)context;
	assert_int_equal(link_server_reply(net.server, link, stream, bytes, true), SOTTO_OK);
}

static void on_stream_end(void *context, uint64_t link, uint64_t stream)
{
	(void)context;
	(void)link;
	(void)stream;
}

static void on_server_datagram(void *context, uint64_t link, struct bytes bytes)
{
	(void)context;
	(void)link;
	assert_int_equal(bytes.len, 100);
	net.datagrams++;
}

static void on_close(void *context, uint64_t link, enum link_reason reason)
{
	(void)context;
	(void)link;
	(void)reason;
}

static void on_status(void *context, const struct link_client_status *status)
{
	(void)context;
	net.status = *status;
}

static void on_reply(void *context, uint64_t request, struct bytes bytes, bool fin)
{
	(void)context;
	link_client_consume(net.client, request, bytes.len);
	net.replies += fin;
}

static void on_end(void *context, uint64_t request, enum link_stream_end why)
{
	(void)context;
	(void)request;
	fail_msg("a request ended: %d", (int)why);
}

static void on_client_datagram(void *context, struct bytes bytes)
{
	(void)context;
	(void)bytes;
}

static void on_room(void *context)
{
	(void)context;
}

static void on_server_room(void *context, uint64_t link)
{
	(void)context;
	(void)link;
}

static void create_engines(const struct os_address *relay)
{
	const struct link_key key = {.kind = LINK_KEY_ACCESS, .number = 1, .secret = {9}};
	struct link_server_config server = {
		.limits = link_server_limits_default,
		.start_ns = os_clock_now_ns(),
		.random = &os_random,
		.events = {on_open, on_prove, on_request, on_stream_end, on_server_room,
			   on_server_datagram, on_close, NULL},
	};
	struct link_client_config client = {
		.address_count = 1,
		.keys = {key},
		.key_count = 1,
		.random = &os_random,
		.events = {on_status, on_reply, on_end, on_client_datagram, on_room, NULL},
	};

	server.limits.links = 4;
	assert_int_equal(sign_public(SIGN_ED25519, BYTES_OF(net.relay_private), client.relay_key),
			 SOTTO_OK);
	link_address_from_os(relay, &client.addresses[0]);
	assert_int_equal(link_server_create(&server, &net.server), SOTTO_OK);
	assert_int_equal(link_server_set_keys(net.server, &key, 1, NULL, 0), SOTTO_OK);
	assert_int_equal(link_client_create(&client, &net.client), SOTTO_OK);
}

static void turn_until(bool (*done)(void))
{
	uint64_t end_ns = os_clock_now_ns() + PATIENCE_NS;

	while (!done() && os_clock_now_ns() < end_ns)
		assert_int_equal(os_loop_turn(net.loop, true), SOTTO_OK);
	assert_true(done());
}

static bool is_up(void)
{
	return net.status.state == LINK_CLIENT_UP;
}

static bool has_reply(void)
{
	return net.replies > 0;
}

static bool has_datagram(void)
{
	return net.datagrams > 0;
}

static void exchange(void)
{
	static const uint8_t request[50000];
	struct os_datagram datagram = {0};
	struct link_packet packet;
	uint64_t number;
	size_t sent;

	net.replies = 0;
	net.datagrams = 0;
	assert_int_equal(link_client_request(net.client, BYTES_OF(request), &number), SOTTO_OK);
	turn_until(has_reply);
	assert_int_equal(
		link_client_datagram(net.client, BYTES(request, 100), os_clock_now_ns(), &packet),
		SOTTO_OK);
	datagram.payload = BYTES(packet.data, packet.len);
	link_address_to_os(&packet.path.remote, &datagram.remote);
	assert_int_equal(os_udp_send(net.phone, &datagram, 1, &sent), SOTTO_OK);
	turn_until(has_datagram);
}

static void talk_over(const char *relay_text, const char *any_text)
{
	const struct os_udp_handler handler = {.received = received};
	struct os_address address;
	struct link_client_stats stats;

	memset(&net, 0, sizeof(net));
	net.relay_private[0] = 1;
	assert_int_equal(os_loop_create(&net.loop), SOTTO_OK);
	assert_int_equal(os_address_parse(relay_text, &address), SOTTO_OK);
	if (os_udp_bind(net.loop, &address, &handler, &net.relay) != SOTTO_OK) {
		os_loop_destroy(net.loop);
		print_message("# not run: no %s on this machine\n", relay_text);
		skip();
	}
	create_engines(os_udp_local(net.relay));
	assert_int_equal(os_address_parse(any_text, &address), SOTTO_OK);
	assert_int_equal(os_udp_bind(net.loop, &address, &handler, &net.phone), SOTTO_OK);
	os_timer_init(&net.tick, ticked);
	os_loop_set_timer(net.loop, &net.tick, os_clock_now_ns());
	assert_int_equal(link_client_start(net.client, os_clock_now_ns(), os_clock_utc_ms()),
			 SOTTO_OK);
	turn_until(is_up);
	exchange();
	os_udp_destroy(net.phone);
	assert_int_equal(os_udp_bind(net.loop, &address, &handler, &net.phone), SOTTO_OK);
	link_client_network_changed(net.client, ++net.generation, os_clock_now_ns(),
				    os_clock_utc_ms());
	exchange();
	link_client_stats(net.client, &stats);
	assert_int_equal(stats.migrations, 1);
	assert_int_equal(stats.connects, 1);
	assert_false(net.wrong_size);
	link_client_destroy(net.client);
	link_server_destroy(net.server);
	os_udp_destroy(net.phone);
	os_udp_destroy(net.relay);
	os_loop_set_timer(net.loop, &net.tick, OS_NEVER);
	os_loop_destroy(net.loop);
}

static void test_ipv4(void **state)
{
	(void)state;
	talk_over("127.0.0.1:0", "0.0.0.0:0");
}

static void test_ipv6(void **state)
{
	(void)state;
	talk_over("[::1]:0", "[::]:0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4),
		cmocka_unit_test(test_ipv6),
	};

	return cmocka_run_group_tests_name("udp", tests, NULL, NULL);
}
