/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links packet by packet: the released link_client of each phone, and the link_server within the released relay_front,
 * over sim/quic and sim/net.
 *
 *     phone -- line -- link_client -- sim_net -- link_server -- relay_front
 *
 * What an engine says is told from outside of it, at the same moment of the clock: what a phone does about it may end the
 * engine. The relay's address is always the same one; it is off where there is no front.
 */
#include <string.h>

#include "base/assert.h"
#include "base/list.h"
#include "relay/front.h"
#include "sim/endpoint.h"
#include "sim/line.h"
#include "sim/net.h"
#include "wire/frame.h"

#define RELAY_PORT 443
#define QUEUE_NS   (3 * SIM_SECOND) /* what would wait longer for a slow link is dropped */

struct sim_switch {
	struct sim_clock *clock;
	struct sim_random random;
	struct sim_net *net;
	struct sim_node *node;
	struct relay_front *front;
	uint64_t utc_ms_offset;
	void (*settle)(void *context);
	void *context;
	struct list lines;
	uint32_t current;
	struct sim_line_counts counts;
};

/* A request that is open. */
struct exchange {
	struct list list;
	uint64_t ticket;
	uint64_t request;
	struct wire_splitter splitter;
};

enum note_kind { NOTE_UP, NOTE_DOWN, NOTE_REPLY, NOTE_END };

/* What the phone has yet to be told. */
struct note {
	struct list list;
	enum note_kind kind;
	uint64_t ticket;
	bool last;
	size_t len;
	uint8_t data[];
};

struct sim_line {
	struct list list;
	struct sim_switch *hub;
	uint32_t number;
	struct sim_random random;
	struct random_source source;
	struct sim_line_events events;
	struct sim_line_faults faults;
	struct sim_endpoint *endpoint;
	struct link_client *client; /* NULL: closed */
	bool up;
	int64_t clock_offset_ms;
	enum link_key_kind kind;
	struct list exchanges;
	struct list notes;
	struct sim_event deliver;
};

/* ---- The relay's end ---- */

static struct link_address address_of(uint32_t host, uint16_t port)
{
	return (struct link_address){.ip = {[10] = 0xff,
					    [11] = 0xff,
					    [12] = 10,
					    [13] = (uint8_t)(host >> 16),
					    [14] = (uint8_t)(host >> 8),
					    [15] = (uint8_t)host},
				     .port = port};
}

static uint32_t line_at(const struct sim_switch *hub, const struct link_address *address)
{
	list_for_each (element, following, &hub->lines) {
		const struct sim_line *line = CONTAINER_OF(element, struct sim_line, list);
		struct link_address own = address_of(line->number + 1, RELAY_PORT);

		if (link_address_equal(&own, address))
			return line->number;
	}
	return UINT32_MAX;
}

void sim_switch_pump(struct sim_switch *hub)
{
	struct link_packet packet;

	if (hub->front == NULL)
		return;
	for (;;) {
		relay_front_send(hub->front, sim_clock_now(hub->clock), &packet);
		if (packet.len == 0)
			return;
		hub->counts.messages++;
		hub->counts.bytes += packet.len;
		sim_net_send(hub->node, &packet.path.remote, BYTES(packet.data, packet.len));
	}
}

static void relay_hear(void *context, const struct link_address *from,
		       const struct link_address *to, struct bytes bytes)
{
	struct sim_switch *hub = context;
	struct link_path path = {.remote = *from};

	(void)to;
	if (hub->front == NULL)
		return;
	hub->current = line_at(hub, from);
	relay_front_receive(hub->front, &path, bytes, sim_clock_now(hub->clock),
			    sim_clock_utc_ms(hub->clock) + hub->utc_ms_offset);
	hub->current = UINT32_MAX;
	sim_switch_pump(hub);
	hub->settle(hub->context);
}

struct sim_switch *sim_switch_create(struct sim_clock *clock, const struct sim_random *random)
{
	struct sim_switch *hub = allocator_take_zeroed(&allocator_default, 1, sizeof(*hub));
	struct link_address address = address_of(0, RELAY_PORT);
	enum sotto_err err;

	ASSERT(hub != NULL);
	hub->clock = clock;
	hub->random = *random;
	hub->current = UINT32_MAX;
	list_init(&hub->lines);
	err = sim_net_create(&allocator_default, clock, random, &hub->net);
	if (err == SOTTO_OK)
		err = sim_net_node(hub->net, &address, relay_hear, hub, &hub->node);
	ASSERT(err == SOTTO_OK);
	return hub;
}

void sim_switch_destroy(struct sim_switch *hub)
{
	if (hub == NULL)
		return;
	ASSERT(list_empty(&hub->lines));
	sim_net_destroy(hub->net);
	allocator_give(&allocator_default, hub, sizeof(*hub));
}

void sim_switch_serve(struct sim_switch *hub, struct relay_front *front, uint64_t utc_ms_offset,
		      void (*settle)(void *context), void *context)
{
	hub->front = front;
	hub->utc_ms_offset = utc_ms_offset;
	hub->settle = settle;
	hub->context = context;
}

uint32_t sim_switch_current(const struct sim_switch *hub)
{
	return hub->current;
}

struct sim_line_counts sim_switch_counts(const struct sim_switch *hub)
{
	struct sim_line_counts counts = hub->counts;
	struct sim_net_stats stats;

	sim_net_stats(hub->net, &stats);
	counts.lost = stats.lost;
	counts.duplicated = stats.duplicated;
	return counts;
}

/* ---- What the phone is told ---- */

static void note_put(struct sim_line *line, enum note_kind kind, uint64_t ticket, bool last,
		     struct bytes bytes)
{
	struct note *note = allocator_take_zeroed(&allocator_default, 1, sizeof(*note) + bytes.len);
	enum sotto_err err;

	ASSERT(note != NULL);
	note->kind = kind;
	note->ticket = ticket;
	note->last = last;
	note->len = bytes.len;
	if (bytes.len > 0)
		memcpy(note->data, bytes.data, bytes.len);
	list_append(&line->notes, &note->list);
	if (line->deliver.place != 0)
		return;
	err = sim_clock_set(line->hub->clock, &line->deliver, sim_clock_now(line->hub->clock));
	ASSERT(err == SOTTO_OK);
}

static void note_free(struct note *note)
{
	list_remove(&note->list);
	allocator_wipe(&allocator_default, note, sizeof(*note) + note->len);
}

static void note_tell(struct sim_line *line, const struct note *note)
{
	void *context = line->events.context;

	switch (note->kind) {
	case NOTE_UP:
		line->up = true;
		line->events.up(context, note->data, line->clock_offset_ms);
		break;
	case NOTE_DOWN:
		line->up = false;
		line->events.down(context);
		break;
	case NOTE_REPLY:
		line->events.reply(context, note->ticket, BYTES(note->data, note->len), note->last);
		break;
	case NOTE_END:
		line->events.end(context, note->ticket);
		break;
	}
}

/* What one of them causes may close the line: then there are no more. */
static void deliver(void *context)
{
	struct sim_line *line = context;

	while (!list_empty(&line->notes)) {
		struct note *note = CONTAINER_OF(line->notes.next, struct note, list);

		list_remove(&note->list);
		list_init(&note->list);
		note_tell(line, note);
		note_free(note);
	}
}

/* ---- The phone's end ---- */

static struct exchange *by_request(const struct sim_line *line, uint64_t request)
{
	list_for_each (element, following, &line->exchanges) {
		struct exchange *exchange = CONTAINER_OF(element, struct exchange, list);

		if (exchange->request == request)
			return exchange;
	}
	return NULL;
}

static void exchange_free(struct exchange *exchange)
{
	wire_splitter_finish(&exchange->splitter);
	list_remove(&exchange->list);
	allocator_give(&allocator_default, exchange, sizeof(*exchange));
}

static void on_status(void *context, const struct link_client_status *status)
{
	struct sim_line *line = context;
	uint8_t exporter[LINK_EXPORTER_LEN];
	bool up = status->state == LINK_CLIENT_UP;
	bool told = line->up;
	enum sotto_err err;

	list_for_each (element, following, &line->notes) {
		const struct note *note = CONTAINER_OF(element, struct note, list);

		if (note->kind == NOTE_UP || note->kind == NOTE_DOWN)
			told = note->kind == NOTE_UP;
	}
	if (up == told)
		return;
	if (!up) {
		note_put(line, NOTE_DOWN, 0, false, BYTES_NONE);
		return;
	}
	line->kind = status->kind;
	line->clock_offset_ms = status->clock_offset_ms;
	line->hub->counts.links++;
	err = link_client_exporter(line->client, exporter);
	ASSERT(err == SOTTO_OK);
	note_put(line, NOTE_UP, 0, false, BYTES_OF(exporter));
}

static void on_reply(void *context, uint64_t request, struct bytes bytes, bool fin)
{
	struct sim_line *line = context;
	struct exchange *exchange = by_request(line, request);
	struct bytes message;
	enum sotto_err err;

	link_client_consume(line->client, request, bytes.len);
	if (exchange == NULL)
		return;
	while ((err = wire_splitter_next(&exchange->splitter, &bytes, &message)) == SOTTO_OK)
		note_put(line, NOTE_REPLY, exchange->ticket, false, message);
	if (err != SOTTO_ERR_AGAIN || (fin && !wire_splitter_empty(&exchange->splitter))) {
		link_client_cancel(line->client, request);
		note_put(line, NOTE_END, exchange->ticket, true, BYTES_NONE);
		exchange_free(exchange);
	} else if (fin) {
		note_put(line, NOTE_REPLY, exchange->ticket, true, BYTES_NONE);
		exchange_free(exchange);
	}
}

static void on_end(void *context, uint64_t request, enum link_stream_end why)
{
	struct sim_line *line = context;
	struct exchange *exchange = by_request(line, request);

	(void)why;
	if (exchange == NULL)
		return;
	note_put(line, NOTE_END, exchange->ticket, true, BYTES_NONE);
	exchange_free(exchange);
}

static void on_datagram(void *context, struct bytes bytes)
{
	(void)context;
	(void)bytes;
	/* Voice is not in these networks. */
}

static void on_room(void *context)
{
	(void)context;
	/* Phones keep to LINK_CLIENT_REQUESTS_MAX. */
}

static uint64_t line_utc_ms(void *context)
{
	const struct sim_line *line = context;

	return line->events.utc_ms(line->events.context);
}

struct sim_line *sim_line_create(struct sim_switch *hub, uint32_t number,
				 const struct sim_line_events *events)
{
	struct sim_line *line = allocator_take_zeroed(&allocator_default, 1, sizeof(*line));
	struct sim_endpoint_config config = {
		.allocator = &allocator_default,
		.net = hub->net,
		.clock = hub->clock,
		.address = address_of(number + 1, RELAY_PORT),
		.utc_ms = line_utc_ms,
		.context = line,
	};
	enum sotto_err err;

	ASSERT(line != NULL);
	line->hub = hub;
	line->number = number;
	line->events = *events;
	sim_random_fork(&hub->random, number + UINT64_C(1), &line->random);
	line->source = sim_random_source(&line->random);
	line->deliver = (struct sim_event){.run = deliver, .context = line};
	list_init(&line->exchanges);
	list_init(&line->notes);
	list_append(&hub->lines, &line->list);
	err = sim_endpoint_create(&config, &line->endpoint);
	ASSERT(err == SOTTO_OK);
	return line;
}

void sim_line_destroy(struct sim_line *line)
{
	if (line == NULL)
		return;
	sim_line_close(line, false);
	sim_endpoint_destroy(line->endpoint);
	list_remove(&line->list);
	allocator_wipe(&allocator_default, line, sizeof(*line));
}

void sim_line_dial(struct sim_line *line, const struct talk_link *keys)
{
	struct link_client_config config = {
		.addresses = {address_of(0, RELAY_PORT)},
		.address_count = 1,
		.key_count = keys->key_count,
		.clock_offset_ms = line->clock_offset_ms,
		.allocator = &allocator_default,
		.random = &line->source,
		.events = {on_status, on_reply, on_end, on_datagram, on_room, line},
	};
	enum sotto_err err;

	sim_line_close(line, false);
	for (size_t i = 0; i < keys->key_count; i++) {
		config.keys[i].kind = (enum link_key_kind)keys->keys[i].kind;
		config.keys[i].number = keys->keys[i].number;
		memcpy(config.keys[i].secret, keys->keys[i].secret, LINK_SECRET_LEN);
	}
	memcpy(config.relay_key, keys->relay_key, sizeof(config.relay_key));
	memcpy(config.network_id, keys->network, sizeof(config.network_id));
	err = link_client_create(&config, &line->client);
	if (err == SOTTO_OK) {
		sim_endpoint_set_client(line->endpoint, line->client);
		err = link_client_start(line->client, sim_clock_now(line->hub->clock),
					line_utc_ms(line));
	}
	ASSERT(err == SOTTO_OK);
	bytes_wipe(&config, sizeof(config));
	sim_endpoint_pump(line->endpoint);
}

void sim_line_close(struct sim_line *line, bool goodbye)
{
	struct link_client *client = line->client;

	if (client == NULL)
		return;
	if (goodbye) {
		link_client_stop(client, sim_clock_now(line->hub->clock));
		sim_endpoint_pump(line->endpoint);
	}
	sim_endpoint_set_client(line->endpoint, NULL);
	line->client = NULL;
	line->up = false;
	link_client_destroy(client);
	list_for_each (element, following, &line->exchanges)
		exchange_free(CONTAINER_OF(element, struct exchange, list));
	list_for_each (element, following, &line->notes)
		note_free(CONTAINER_OF(element, struct note, list));
	sim_clock_cancel(line->hub->clock, &line->deliver);
}

bool sim_line_wanted(const struct sim_line *line)
{
	return line->client != NULL;
}

bool sim_line_up(const struct sim_line *line)
{
	return line->up;
}

enum link_key_kind sim_line_kind(const struct sim_line *line)
{
	return line->kind;
}

void sim_line_request(struct sim_line *line, uint64_t ticket, struct bytes request)
{
	struct exchange *exchange;
	uint64_t number;

	if (line->client == NULL || !line->up)
		return;
	if (link_client_request(line->client, request, &number) != SOTTO_OK) {
		note_put(line, NOTE_END, ticket, true, BYTES_NONE);
		return;
	}
	exchange = allocator_take_zeroed(&allocator_default, 1, sizeof(*exchange));
	ASSERT(exchange != NULL);
	exchange->ticket = ticket;
	exchange->request = number;
	wire_splitter_init(&exchange->splitter, &allocator_default);
	list_append(&line->exchanges, &exchange->list);
	sim_endpoint_pump(line->endpoint);
}

void sim_line_cancel(struct sim_line *line, uint64_t ticket)
{
	if (line->client == NULL)
		return;
	list_for_each (element, following, &line->exchanges) {
		struct exchange *exchange = CONTAINER_OF(element, struct exchange, list);

		if (exchange->ticket != ticket)
			continue;
		link_client_cancel(line->client, exchange->request);
		exchange_free(exchange);
	}
	sim_endpoint_pump(line->endpoint);
}

void sim_line_set_faults(struct sim_line *line, const struct sim_line_faults *faults)
{
	struct sim_node *node = sim_endpoint_node(line->endpoint);
	struct sim_net_faults way = {
		.delay_ns = faults->delay_ns,
		.jitter_ns = faults->jitter_ns,
		.loss_ppm = faults->loss_ppm,
		.duplicate_ppm = faults->duplicate_ppm,
		.bytes_per_second = faults->bytes_per_second,
		.queue_ns = QUEUE_NS,
	};
	enum sotto_err err = sim_net_set_faults(line->hub->net, node, line->hub->node, &way);

	if (err == SOTTO_OK)
		err = sim_net_set_faults(line->hub->net, line->hub->node, node, &way);
	ASSERT(err == SOTTO_OK);
	sim_net_cut(node, faults->cut);
	line->faults = *faults;
}

struct sim_line_faults sim_line_get_faults(const struct sim_line *line)
{
	return line->faults;
}
