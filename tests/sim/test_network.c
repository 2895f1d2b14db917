/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relay and phones with the released engines of link/, in virtual time, over a network that loses,
 * delays, doubles and reorders: every request is answered whole, through rebinding, roaming and a cut; and
 * a run repeats from its seed to the byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/init.h"
#include "crypto/sign.h"
#include "sim/endpoint.h"

#define PHONES	    4
#define REQUEST_LEN 3000
#define VOICE_LEN   80
#define ECHOES_MAX  256
#define MS	    SIM_MILLISECOND

struct phone {
	struct world *world;
	struct link_client *client;
	struct sim_endpoint *endpoint;
	struct sim_event event;
	bool up;
	size_t asked;
	size_t answered;
	size_t ended;
	size_t reply_len;
	size_t voice;
};

struct world {
	struct sim_random random;
	struct random_source source;
	struct sim_clock clock;
	struct sim_net *net;
	struct link_key key;
	uint8_t network[LINK_NETWORK_ID_LEN];
	struct secret relay_private;
	uint8_t relay_public[LINK_RELAY_KEY_LEN];
	struct link_server *server;
	struct sim_endpoint *relay;
	struct phone phones[PHONES];
	size_t wanted;		     /* requests of each phone */
	uint64_t echoes[ECHOES_MAX]; /* links that voice is owed to */
	size_t echo_count;
};

static struct link_address address(uint8_t host)
{
	return (struct link_address){.ip = {[10] = 0xff, [11] = 0xff, [12] = 10, [15] = host},
				     .port = 7000};
}

/* The relay answers with what it was asked, and sends voice back. */
static void on_open(void *context, uint64_t link)
{
	(void)context;
	(void)link;
}

static void on_prove(void *context, uint64_t link, const uint8_t *exporter)
{
	struct world *world = context;
	uint8_t message[LINK_PROOF_MESSAGE_LEN];
	uint8_t signature[SIGN_SIGNATURE_LEN_MAX];
	size_t len = 0;

	link_proof_message(world->network, exporter, message);
	assert_int_equal(sign_create(SIGN_ED25519, NULL, secret_bytes(&world->relay_private),
				     BYTES_OF(message), signature, &len),
			 SOTTO_OK);
	assert_int_equal(link_server_proven(world->server, link, signature,
					    sim_endpoint_utc_ms(world->relay)),
			 SOTTO_OK);
}

static void on_request(void *context, uint64_t link, uint64_t stream, struct bytes bytes)
{
	struct world *world = context;

	assert_int_equal(link_server_reply(world->server, link, stream, bytes, true), SOTTO_OK);
}

static void on_stream_end(void *context, uint64_t link, uint64_t stream)
{
	(void)context;
	(void)link;
	(void)stream;
}

/* Kept until the next tick: a link takes none while it is calling. */
static void on_server_datagram(void *context, uint64_t link, struct bytes bytes)
{
	struct world *world = context;

	assert_int_equal(bytes.len, VOICE_LEN);
	assert_true(world->echo_count < ECHOES_MAX);
	world->echoes[world->echo_count++] = link;
}

static void echo(struct world *world)
{
	static const uint8_t voice[VOICE_LEN];

	for (size_t i = 0; i < world->echo_count; i++) {
		struct link_packet packet = {.len = 0};
		enum sotto_err err =
			link_server_datagram(world->server, world->echoes[i], BYTES_OF(voice),
					     sim_clock_now(&world->clock), &packet);

		assert_true(err == SOTTO_OK || err == SOTTO_ERR_AGAIN ||
			    err == SOTTO_ERR_NOT_FOUND);
		sim_endpoint_send(world->relay, &packet);
	}
	world->echo_count = 0;
	sim_endpoint_pump(world->relay);
}

static void on_close(void *context, uint64_t link, enum link_reason reason)
{
	(void)context;
	(void)link;
	(void)reason;
}

static void on_status(void *context, const struct link_client_status *status)
{
	struct phone *phone = context;

	phone->up = status->state == LINK_CLIENT_UP;
}

static void on_reply(void *context, uint64_t request, struct bytes bytes, bool fin)
{
	struct phone *phone = context;

	link_client_consume(phone->client, request, bytes.len);
	phone->reply_len += bytes.len;
	if (!fin)
		return;
	assert_int_equal(phone->reply_len, REQUEST_LEN);
	phone->reply_len = 0;
	phone->answered++;
}

static void on_end(void *context, uint64_t request, enum link_stream_end why)
{
	struct phone *phone = context;

	(void)request;
	(void)why;
	phone->reply_len = 0;
	phone->ended++;
	phone->asked--;
}

static void on_datagram(void *context, struct bytes bytes)
{
	struct phone *phone = context;

	phone->voice += bytes.len == VOICE_LEN;
}

static void on_room(void *context)
{
	(void)context;
}

/* Every 100 ms: one request at a time, and a word of voice. */
static void tick(void *context)
{
	struct phone *phone = context;
	struct world *world = phone->world;
	static const uint8_t request[REQUEST_LEN];
	static const uint8_t voice[VOICE_LEN];
	struct link_packet packet = {.len = 0};
	uint64_t number;

	if (phone->up && phone->asked == phone->answered && phone->asked < world->wanted) {
		assert_int_equal(link_client_request(phone->client, BYTES_OF(request), &number),
				 SOTTO_OK);
		phone->asked++;
	}
	if (phone->up) {
		enum sotto_err err = link_client_datagram(phone->client, BYTES_OF(voice),
							  sim_clock_now(&world->clock), &packet);

		assert_true(err == SOTTO_OK || err == SOTTO_ERR_AGAIN);
		sim_endpoint_send(phone->endpoint, &packet);
	}
	sim_endpoint_pump(phone->endpoint);
	echo(world);
	assert_int_equal(sim_clock_set(&world->clock, &phone->event,
				       sim_clock_now(&world->clock) + 100 * MS),
			 SOTTO_OK);
}

static void make_relay(struct world *world)
{
	struct link_server_config config = {
		.limits = link_server_limits_default,
		.start_ns = sim_clock_now(&world->clock),
		.allocator = &allocator_default,
		.random = &world->source,
		.events = {.on_open = on_open,
			   .on_prove = on_prove,
			   .on_request = on_request,
			   .on_stream_end = on_stream_end,
			   .on_room = on_open,
			   .on_datagram = on_server_datagram,
			   .on_close = on_close,
			   .context = world},
	};
	struct sim_endpoint_config endpoint = {.allocator = &allocator_default,
					       .net = world->net,
					       .clock = &world->clock,
					       .address = address(1)};

	assert_int_equal(link_server_create(&config, &world->server), SOTTO_OK);
	assert_int_equal(link_server_set_keys(world->server, &world->key, 1, NULL, 0), SOTTO_OK);
	endpoint.server = world->server;
	assert_int_equal(sim_endpoint_create(&endpoint, &world->relay), SOTTO_OK);
}

static void make_phone(struct world *world, uint8_t i)
{
	struct phone *phone = &world->phones[i];
	struct link_client_config config = {
		.addresses = {address(1)},
		.address_count = 1,
		.keys = {world->key},
		.key_count = 1,
		.allocator = &allocator_default,
		.random = &world->source,
		.events = {.on_status = on_status,
			   .on_reply = on_reply,
			   .on_end = on_end,
			   .on_datagram = on_datagram,
			   .on_room = on_room,
			   .context = phone},
	};
	struct sim_endpoint_config endpoint = {.allocator = &allocator_default,
					       .net = world->net,
					       .clock = &world->clock,
					       .address = address((uint8_t)(10 + i)),
					       .skew_ms = (int64_t)i * 1000};

	memcpy(config.relay_key, world->relay_public, sizeof(config.relay_key));
	phone->world = world;
	phone->event = (struct sim_event){.run = tick, .context = phone};
	assert_int_equal(link_client_create(&config, &phone->client), SOTTO_OK);
	endpoint.client = phone->client;
	assert_int_equal(sim_endpoint_create(&endpoint, &phone->endpoint), SOTTO_OK);
	assert_int_equal(link_client_start(phone->client, sim_clock_now(&world->clock),
					   sim_endpoint_utc_ms(phone->endpoint)),
			 SOTTO_OK);
	tick(phone);
}

static void world_init(struct world *world, uint64_t seed, const struct sim_net_faults *faults)
{
	struct sim_random fork;

	memset(world, 0, sizeof(*world));
	sim_random_init(&world->random, seed);
	sim_random_fork(&world->random, 1, &fork);
	world->source = sim_random_source(&world->random);
	sim_clock_init(&world->clock, &allocator_default, UINT64_C(1800000000000));
	assert_int_equal(sim_net_create(&allocator_default, &world->clock, &fork, &world->net),
			 SOTTO_OK);
	assert_int_equal(sim_net_set_faults(world->net, NULL, NULL, faults), SOTTO_OK);
	assert_int_equal(sign_generate(SIGN_ED25519, &world->source, &world->relay_private,
				       world->relay_public),
			 SOTTO_OK);
	world->key = (struct link_key){.kind = LINK_KEY_ACCESS, .number = 1};
	sim_random_fill(&world->random, world->key.secret, sizeof(world->key.secret));
	world->wanted = 200;
	make_relay(world);
	for (uint8_t i = 0; i < PHONES; i++)
		make_phone(world, i);
}

static void world_finish(struct world *world)
{
	for (size_t i = 0; i < PHONES; i++) {
		sim_clock_cancel(&world->clock, &world->phones[i].event);
		sim_endpoint_destroy(world->phones[i].endpoint);
		link_client_destroy(world->phones[i].client);
	}
	sim_endpoint_destroy(world->relay);
	link_server_destroy(world->server);
	sim_net_destroy(world->net);
	sim_clock_finish(&world->clock);
	secret_wipe(&world->relay_private);
}

static void run(struct world *world, uint64_t for_ns)
{
	sim_clock_run_until(&world->clock, sim_clock_now(&world->clock) + for_ns);
}

static const struct sim_net_faults bad_network = {.delay_ns = 40 * MS,
						  .jitter_ns = 20 * MS,
						  .loss_ppm = 50000,
						  .duplicate_ppm = 20000,
						  .reorder_ppm = 10000,
						  .reorder_ns = 60 * MS};

/* A minute of a bad network, with a NAT that rebinds, a phone that roams and one that is cut off. */
static void live(struct world *world)
{
	struct link_address elsewhere[2] = {address(100), address(101)};

	run(world, 10 * SIM_SECOND);
	sim_endpoint_rebind(world->phones[0].endpoint, &elsewhere[0]);
	sim_endpoint_roam(world->phones[1].endpoint, &elsewhere[1]);
	sim_net_cut(sim_endpoint_node(world->phones[2].endpoint), true);
	run(world, 10 * SIM_SECOND);
	sim_net_cut(sim_endpoint_node(world->phones[2].endpoint), false);
	run(world, 100 * SIM_SECOND);
}

static void test_everything_is_answered(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, &bad_network);
	live(&world);
	for (size_t i = 0; i < PHONES; i++) {
		const struct phone *phone = &world.phones[i];

		print_message("# phone %d: %d answered, %d lost with a link, %d words of voice\n",
			      (int)i, (int)phone->answered, (int)phone->ended, (int)phone->voice);
		assert_true(phone->up);
		assert_int_equal(phone->answered, world.wanted);
		assert_true(phone->voice > 800);
	}
	assert_int_equal(world.phones[1].ended, 0);
	assert_int_equal(world.phones[3].ended, 0);
	world_finish(&world);
}

static void test_seed_repeats_to_the_byte(void **state)
{
	uint64_t fingerprints[3];

	(void)state;
	for (uint64_t i = 0; i < 3; i++) {
		struct world world;

		world_init(&world, i < 2 ? 5 : 6, &bad_network);
		live(&world);
		fingerprints[i] = sim_endpoint_fingerprint(world.relay);
		for (size_t j = 0; j < PHONES; j++)
			fingerprints[i] ^= sim_endpoint_fingerprint(world.phones[j].endpoint);
		world_finish(&world);
	}
	assert_true(fingerprints[0] == fingerprints[1]);
	assert_true(fingerprints[0] != fingerprints[2]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_is_answered),
		cmocka_unit_test(test_seed_repeats_to_the_byte),
	};

	if (crypto_init() != SOTTO_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
