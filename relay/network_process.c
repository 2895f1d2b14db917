/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network process: sockets and channels around relay_front.
 *
 *   sottod --internal-network SOCKETS GENERATION
 *
 *   adopt sockets -> sandbox -> access_loaded -> generation not older? -> kept, if newer -> front -> ready
 *
 * Sending is batched: all that arrived in a round is handled first; under load packets leave at most once a
 * millisecond (facts: waking per packet costs more than the packet).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "crypto/init.h"
#include "link/link_os.h"
#include "os/clock.h"
#include "os/random.h"
#include "os/sandbox.h"
#include "os/udp.h"
#include "relay/front.h"
#include "relay/limits.h"
#include "relay/reply_from.h"
#include "relay/sottod.h"

#define TICK_NS OS_CLOCK_MS_NS

struct network {
	struct os_loop *loop;
	struct os_ipc *parent;
	struct os_ipc *store;
	struct os_udp *sockets[SOTTOD_SOCKETS_MAX];
	size_t socket_count;
	struct relay_front *front;  /* NULL until the store has loaded */
	struct relay_access loaded; /* until then, while its generation is being kept */
	uint8_t relay_key[WIRE_KEY_LEN];
	bool keeping;
	uint64_t generation; /* older access states are not served */
	struct os_timer deadline;
	struct os_timer tick;
	struct os_deferred flush;
	uint64_t flushed_at_ns;
	/* Packets of one socket that the kernel has not taken yet. */
	struct link_packet pending[OS_UDP_BATCH_MAX];
	size_t pending_count;
	bool blocked;
	struct reply_from reply_from;
	struct os_sandbox sandbox;
	int exit_code;
};

static void end(struct network *network, int code)
{
	network->exit_code = code;
	os_loop_stop(network->loop);
}

static void fail(struct network *network, const char *sentence)
{
	sottod_tell_failed(network->parent, sentence);
	end(network, SOTTOD_EXIT_FAILED);
}

/* Sends what is pending, as far as the kernel takes it; packets are of any socket, in order. */
static void send_pending(struct network *network)
{
	size_t done = 0;

	while (done < network->pending_count) {
		uint32_t socket = network->pending[done].path.socket;
		struct os_datagram datagrams[OS_UDP_BATCH_MAX];
		size_t count = 0;
		size_t sent = 0;

		ASSERT(socket < network->socket_count);
		memset(datagrams, 0, sizeof(datagrams));
		while (done + count < network->pending_count &&
		       network->pending[done + count].path.socket == socket) {
			const struct link_packet *packet = &network->pending[done + count];

			datagrams[count].payload = BYTES(packet->data, packet->len);
			link_address_to_os(&packet->path.remote, &datagrams[count].remote);
			datagrams[count].local =
				reply_from_find(&network->reply_from, &datagrams[count].remote);
			count++;
		}
		if (os_udp_send(network->sockets[socket], datagrams, count, &sent) != SOTTO_OK) {
			network->blocked = true;
			done += sent;
			break;
		}
		done += count;
	}
	memmove(network->pending, &network->pending[done],
		(network->pending_count - done) * sizeof(network->pending[0]));
	network->pending_count -= done;
}

static void arm(struct network *network)
{
	uint64_t at_ns = relay_front_deadline(network->front);

	os_loop_set_timer(network->loop, &network->deadline,
			  at_ns == LINK_NEVER ? OS_NEVER : at_ns);
	if (relay_front_failure(network->front) != SOTTO_OK)
		fail(network, "the store process does not answer any more");
}

static void flush(struct network *network)
{
	uint64_t now_ns = os_clock_now_ns();

	network->flushed_at_ns = now_ns;
	send_pending(network);
	while (!network->blocked) {
		struct link_packet *packet = &network->pending[network->pending_count];

		relay_front_send(network->front, now_ns, packet);
		if (packet->len == 0)
			break;
		if (++network->pending_count == OS_UDP_BATCH_MAX)
			send_pending(network);
	}
	send_pending(network);
	arm(network);
}

static void flush_deferred(struct os_deferred *deferred)
{
	struct network *network = CONTAINER_OF(deferred, struct network, flush);
	uint64_t next_ns = network->flushed_at_ns + TICK_NS;

	if (os_clock_now_ns() >= next_ns)
		flush(network);
	else
		os_loop_set_timer(network->loop, &network->tick, next_ns);
}

static void tick_expired(struct os_timer *timer, uint64_t now_ns)
{
	(void)now_ns;
	flush(CONTAINER_OF(timer, struct network, tick));
}

static void deadline_expired(struct os_timer *timer, uint64_t now_ns)
{
	struct network *network = CONTAINER_OF(timer, struct network, deadline);

	relay_front_handle_deadline(network->front, now_ns, os_clock_utc_ms());
	flush(network);
}

static void udp_received(void *context, struct os_udp *udp, const struct os_datagram *datagrams,
			 size_t count, uint64_t now_ns)
{
	struct network *network = context;
	uint64_t utc_ms = os_clock_utc_ms();
	struct link_path path = {0};

	if (network->front == NULL)
		return;
	while (path.socket < network->socket_count && network->sockets[path.socket] != udp)
		path.socket++;
	for (size_t i = 0; i < count; i++) {
		link_address_from_os(&datagrams[i].remote, &path.remote);
		reply_from_note(&network->reply_from, &datagrams[i].remote, &datagrams[i].local);
		relay_front_receive(network->front, &path, datagrams[i].payload, now_ns, utc_ms);
	}
	os_loop_defer(network->loop, &network->flush);
}

static void udp_writable(void *context, struct os_udp *udp)
{
	struct network *network = context;

	(void)udp;
	network->blocked = false;
	flush(network);
}

/* --- Events of the front --- */

static enum sotto_err front_to_store(void *context, struct bytes message)
{
	struct network *network = context;

	return os_ipc_send(network->store, message, NULL, 0);
}

/* A forwarded datagram is sent with its round, or dropped if the kernel takes nothing now. */
static void front_packet(void *context, const struct link_packet *packet)
{
	struct network *network = context;

	if (network->pending_count == OS_UDP_BATCH_MAX)
		send_pending(network);
	if (network->pending_count < OS_UDP_BATCH_MAX)
		network->pending[network->pending_count++] = *packet;
}

static enum sotto_err front_keep_generation(void *context, uint64_t generation)
{
	struct network *network = context;
	struct wire_generation_keep keep = {.generation = generation};

	return sottod_send(network->parent, &wire_generation_keep_type, &keep);
}

/* --- Messages of the other processes --- */

static void start_front(struct network *network)
{
	struct relay_front_config config = {
		.allocator = &allocator_default,
		.random = &os_random,
		.events = {front_to_store, front_packet, front_keep_generation, network},
		.access = network->loaded,
		.retention_hours = (uint32_t)(RELAY_RETENTION_MS / RELAY_HOUR_MS),
	};
	struct wire_child_ready ready = {0};
	enum sotto_err err;

	if (!relay_access_founded(&network->loaded))
		ready.claim = BYTES_OF(network->loaded.claim);
	memcpy(ready.relay_key, network->relay_key, sizeof(ready.relay_key));
	err = relay_front_create(&config, os_clock_now_ns(), os_clock_utc_ms(), &network->front);
	if (err == SOTTO_OK)
		err = sottod_send(network->parent, &wire_child_ready_type, &ready);
	relay_access_wipe(&config.access);
	relay_access_wipe(&network->loaded);
	if (err != SOTTO_OK)
		fail(network, sotto_err_text(err));
	else
		arm(network);
}

static void take_access(struct network *network, const struct wire_access_loaded *loaded)
{
	enum sotto_err err = relay_access_decode(loaded->state, &network->loaded);

	if (err != SOTTO_OK) {
		fail(network, "the access state in the state directory is damaged");
		return;
	}
	memcpy(network->relay_key, loaded->relay_key, sizeof(network->relay_key));
	if (network->loaded.generation < network->generation) {
		relay_access_wipe(&network->loaded);
		fail(network,
		     "the access state is older than one that this relay has served before: "
		     "was the state directory restored? Remove its file generation to "
		     "serve the older one");
		return;
	}
	if (network->loaded.generation == network->generation) {
		start_front(network);
		return;
	}
	/* A stop came after this one was saved and before it was kept. What is served is kept. */
	network->keeping = true;
	if (front_keep_generation(network, network->loaded.generation) != SOTTO_OK)
		end(network, SOTTOD_EXIT_FAILED);
}

static void store_received(void *context, struct os_ipc *ipc, struct bytes message,
			   int *descriptors, size_t descriptors_count)
{
	struct network *network = context;
	struct wire_access_loaded loaded;

	(void)ipc;
	(void)descriptors;
	(void)descriptors_count;
	if (network->front == NULL) {
		if (!network->keeping && wire_access_loaded_decode(message, &loaded) == SOTTO_OK)
			take_access(network, &loaded);
		return;
	}
	if (relay_front_from_store(network->front, message, os_loop_now_ns(network->loop),
				   os_clock_utc_ms()) != SOTTO_OK)
		fail(network, "the store process said what it never says");
	os_loop_defer(network->loop, &network->flush);
}

static void answer_status(struct network *network, uint64_t ticket)
{
	struct wire_counter parts[RELAY_COUNTER_COUNT];
	struct wire_status_answer answer = {.ticket = ticket, .counters = {.items = parts}};
	struct relay_counters counters = {0};
	char sandbox[OS_SANDBOX_TEXT_LEN];

	os_sandbox_describe(&network->sandbox, sandbox);
	answer.sandbox = BYTES(sandbox, strlen(sandbox));
	relay_front_count(network->front, &counters);
	for (size_t i = 0; i < RELAY_COUNTER_COUNT; i++) {
		if (counters.values[i] != 0)
			parts[answer.counters.count++] =
				(struct wire_counter){(uint8_t)i, counters.values[i]};
	}
	if (sottod_send(network->parent, &wire_status_answer_type, &answer) != SOTTO_OK)
		end(network, SOTTOD_EXIT_FAILED);
}

static void parent_received(void *context, struct os_ipc *ipc, struct bytes message,
			    int *descriptors, size_t descriptors_count)
{
	struct network *network = context;
	struct wire_generation_kept kept;
	struct wire_status_ask ask;

	(void)ipc;
	(void)descriptors;
	(void)descriptors_count;
	if (network->front == NULL) {
		if (network->keeping && wire_generation_kept_decode(message, &kept) == SOTTO_OK &&
		    kept.generation == network->loaded.generation)
			start_front(network);
		return;
	}
	if (wire_status_ask_decode(message, &ask) == SOTTO_OK)
		answer_status(network, ask.ticket);
	if (wire_generation_kept_decode(message, &kept) == SOTTO_OK &&
	    relay_front_kept(network->front, kept.generation, os_loop_now_ns(network->loop),
			     os_clock_utc_ms()) != SOTTO_OK)
		end(network, SOTTOD_EXIT_FAILED);
	os_loop_defer(network->loop, &network->flush);
}

/* Either channel: this process is of no use alone. Who ended first is seen by the parent. */
static void channel_gone(void *context, struct os_ipc *ipc)
{
	struct network *network = context;

	(void)ipc;
	os_loop_stop(network->loop);
}

static enum sotto_err open_channels(struct network *network)
{
	struct os_ipc_handler parent = {parent_received, channel_gone, NULL, network};
	struct os_ipc_handler store = {store_received, channel_gone, NULL, network};
	struct os_udp_handler udp = {
		.received = udp_received, .writable = udp_writable, .context = network};
	enum sotto_err err;

	TRY(os_loop_create(&network->loop));
	TRY(os_ipc_create(network->loop, SOTTOD_FD_PARENT, &parent, &network->parent));
	TRY(os_ipc_create(network->loop, SOTTOD_FD_PEER, &store, &network->store));
	for (size_t i = 0; i < network->socket_count; i++)
		TRY(os_udp_adopt(network->loop, SOTTOD_FD_UDP + (int)i, &udp,
				 &network->sockets[i]));
out:
	return err;
}

static void close_all(struct network *network)
{
	relay_front_destroy(network->front);
	relay_access_wipe(&network->loaded);
	for (size_t i = 0; i < network->socket_count; i++)
		os_udp_destroy(network->sockets[i]);
	os_ipc_destroy(network->store);
	os_ipc_destroy(network->parent);
	os_loop_destroy(network->loop);
}

int sottod_network(int argc, char **argv)
{
	static struct network network; /* too large for a stack frame */
	struct os_sandbox_options options = {.lock_memory = true};
	enum sotto_err err;

	if (argc != 4)
		return SOTTOD_EXIT_USAGE;
	network.socket_count = strtoul(argv[2], NULL, 10);
	network.generation = strtoull(argv[3], NULL, 10);
	if (network.socket_count == 0 || network.socket_count > SOTTOD_SOCKETS_MAX)
		return SOTTOD_EXIT_USAGE;
	os_timer_init(&network.deadline, deadline_expired);
	os_timer_init(&network.tick, tick_expired);
	os_deferred_init(&network.flush, flush_deferred);
	err = crypto_init();
	if (err == SOTTO_OK)
		err = open_channels(&network);
	if (err == SOTTO_OK)
		err = os_sandbox_enter(OS_PROFILE_RELAY_NET, &options, &network.sandbox);
	if (err == SOTTO_OK)
		err = os_loop_run(network.loop);
	if (err != SOTTO_OK) {
		sottod_complain("network process: %s", sotto_err_text(err));
		network.exit_code = SOTTOD_EXIT_FAILED;
	}
	close_all(&network);
	return network.exit_code;
}
