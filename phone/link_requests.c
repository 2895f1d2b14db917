/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent asks of the link process, and what goes back: configuration, requests by ticket, answers
 * cut into whole messages, status.
 *
 * An answer is consumed (the relay may send more) only while the agent keeps up, so what waits here is
 * bounded by LINK_PROCESS_QUEUE_MAX and the engine's windows.
 */
#include <string.h>

#include "base/assert.h"
#include "os/clock.h"
#include "os/random.h"
#include "phone/link_process.h"

/*
 * Encodes and sends one message to the agent. If its queue is full, or there is no memory, something of an
 * answer would be missing and nobody would know: then this process ends instead, and the agent begins anew
 * with the next one, as after any loss of the link.
 */
static void tell(struct link_process *process, const struct wire_type *type, const void *message)
{
	struct writer writer;

	writer_init_growing(&writer, &allocator_default);
	if (wire_encode(type, message, &writer) != SOTTO_OK ||
	    os_ipc_send(process->agent, writer_bytes(&writer), NULL, 0) != SOTTO_OK)
		os_loop_stop(process->loop);
	writer_release(&writer);
}

static void tell_status(void *context, const struct link_client_status *status)
{
	struct link_process *process = context;
	struct link_client_stats stats;
	struct wire_link_status told = {
		.state = (uint8_t)status->state,
		.reason = (uint8_t)status->reason,
		.kind = (uint8_t)status->kind,
		.number = status->number,
		.clock_offset_ms = (uint64_t)status->clock_offset_ms,
		.retry_ns = status->retry_ns,
	};

	link_client_stats(process->client, &stats);
	told.rtt_ns = stats.rtt_ns;
	told.migrations = stats.migrations;
	if (status->state == LINK_CLIENT_UP &&
	    link_client_exporter(process->client, told.exporter) != SOTTO_OK)
		memset(told.exporter, 0, sizeof(told.exporter));
	tell(process, &wire_link_status_type, &told);
	bytes_wipe(&told, sizeof(told));
}

static struct link_exchange *by_request(struct link_process *process, uint64_t request)
{
	for (size_t i = 0; i < ARRAY_LEN(process->exchanges); i++) {
		if (process->exchanges[i].used && process->exchanges[i].request == request)
			return &process->exchanges[i];
	}
	return NULL;
}

static struct link_exchange *by_ticket(struct link_process *process, uint64_t ticket)
{
	for (size_t i = 0; i < ARRAY_LEN(process->exchanges); i++) {
		if (process->exchanges[i].used && process->exchanges[i].ticket == ticket)
			return &process->exchanges[i];
	}
	return NULL;
}

static void finish(struct link_exchange *exchange)
{
	wire_splitter_finish(&exchange->splitter);
	memset(exchange, 0, sizeof(*exchange));
}

void link_process_finish_exchanges(struct link_process *process)
{
	for (size_t i = 0; i < ARRAY_LEN(process->exchanges); i++)
		finish(&process->exchanges[i]);
}

static void tell_end(struct link_process *process, uint64_t ticket, enum link_stream_end why)
{
	struct wire_link_end end = {.ticket = ticket, .why = (uint8_t)why};

	tell(process, &wire_link_end_type, &end);
}

static void tell_reply(struct link_process *process, uint64_t ticket, bool last,
		       struct bytes message)
{
	struct wire_link_reply reply = {.ticket = ticket, .last = last, .message = message};

	tell(process, &wire_link_reply_type, &reply);
}

/* No stream of messages, or one that ends within one: nothing more of it is wanted, now. */
static void refuse(struct link_process *process, struct link_exchange *exchange)
{
	link_client_cancel(process->client, exchange->request);
	link_client_consume(process->client, exchange->request, exchange->unconsumed);
	tell_end(process, exchange->ticket, LINK_STREAM_REFUSED);
	finish(exchange);
}

static void on_reply(void *context, uint64_t request, struct bytes bytes, bool fin)
{
	struct link_process *process = context;
	struct link_exchange *exchange = by_request(process, request);
	struct bytes piece = bytes;
	struct bytes message;
	enum sotto_err err;

	if (exchange == NULL) {
		link_client_consume(process->client, request, bytes.len);
		return;
	}
	exchange->unconsumed += bytes.len;
	while ((err = wire_splitter_next(&exchange->splitter, &piece, &message)) == SOTTO_OK)
		tell_reply(process, exchange->ticket, false, message);
	if (err != SOTTO_ERR_AGAIN || (fin && !wire_splitter_empty(&exchange->splitter))) {
		refuse(process, exchange);
		return;
	}
	if (os_ipc_queued(process->agent) < LINK_PROCESS_QUEUE_MAX || fin) {
		link_client_consume(process->client, request, exchange->unconsumed);
		exchange->unconsumed = 0;
	}
	if (fin) {
		tell_reply(process, exchange->ticket, true, BYTES_NONE);
		finish(exchange);
	}
}

static void on_end(void *context, uint64_t request, enum link_stream_end why)
{
	struct link_process *process = context;
	struct link_exchange *exchange = by_request(process, request);

	if (exchange == NULL)
		return;
	link_client_consume(process->client, request, exchange->unconsumed);
	tell_end(process, exchange->ticket, why);
	finish(exchange);
}

static void on_datagram(void *context, struct bytes bytes)
{
	link_beat_deliver(context, bytes);
}

static void on_room(void *context)
{
	/* The agent keeps to LINK_CLIENT_REQUESTS_MAX and is told of each that ends. */
	(void)context;
}

void link_process_drained(struct link_process *process)
{
	if (process->client == NULL)
		return;
	for (size_t i = 0; i < ARRAY_LEN(process->exchanges); i++) {
		struct link_exchange *exchange = &process->exchanges[i];

		if (!exchange->used || exchange->unconsumed == 0)
			continue;
		link_client_consume(process->client, exchange->request, exchange->unconsumed);
		exchange->unconsumed = 0;
	}
	link_process_pump(process);
}

static void take_addresses(const struct wire_link_configure *configure,
			   struct link_client_config *config)
{
	struct wire_cursor cursor = wire_list_walk(&configure->addresses);
	struct wire_link_to to;

	while (config->address_count < LINK_CLIENT_ADDRESSES_MAX &&
	       wire_link_to_next(&cursor, &to)) {
		struct link_address *address = &config->addresses[config->address_count++];

		memcpy(address->ip, to.ip, sizeof(address->ip));
		address->scope = to.scope;
		address->port = to.port;
	}
}

static void take_keys(const struct wire_link_configure *configure,
		      struct link_client_config *config)
{
	struct wire_cursor cursor = wire_list_walk(&configure->keys);
	struct wire_link_with with;

	while (config->key_count < LINK_CLIENT_KEYS_MAX && wire_link_with_next(&cursor, &with)) {
		struct link_key *key = &config->keys[config->key_count++];

		key->kind = (enum link_key_kind)with.kind;
		key->number = with.number;
		memcpy(key->secret, with.secret, sizeof(key->secret));
	}
	bytes_wipe(&with, sizeof(with));
}

/*
 * The next access key does not end a link that the one before opened: the phone proves it there, and calls
 * go on. Addresses and keys are for the next time. False: these are for another link.
 */
static bool reconfigure(struct link_process *process, const struct link_client_config *config)
{
	struct link_client_status status;

	if (process->client == NULL || config->key_count == 0 ||
	    config->keys[0].kind != LINK_KEY_ACCESS ||
	    memcmp(process->relay_key, config->relay_key, sizeof(process->relay_key)) != 0 ||
	    memcmp(process->network_id, config->network_id, sizeof(process->network_id)) != 0)
		return false;
	link_client_status(process->client, &status);
	return status.state == LINK_CLIENT_UP && status.kind == LINK_KEY_ACCESS &&
	       link_client_set_keys(process->client, config->keys, config->key_count) == SOTTO_OK &&
	       link_client_set_addresses(process->client, config->addresses,
					 config->address_count) == SOTTO_OK;
}

/* Another relay or another kind of key: a new engine. */
static void configure(struct link_process *process, struct bytes message)
{
	struct link_client_config config;
	struct wire_link_configure told;
	enum sotto_err err;

	memset(&config, 0, sizeof(config));
	TRY(wire_link_configure_decode(message, &told));
	memcpy(config.relay_key, told.relay_key, sizeof(config.relay_key));
	memcpy(config.network_id, told.network, sizeof(config.network_id));
	config.clock_offset_ms = (int64_t)told.clock_offset_ms;
	take_addresses(&told, &config);
	take_keys(&told, &config);
	if (reconfigure(process, &config))
		goto out;
	config.random = &os_random;
	config.events = (struct link_client_events){
		.on_status = tell_status,
		.on_reply = on_reply,
		.on_end = on_end,
		.on_datagram = on_datagram,
		.on_room = on_room,
		.context = process,
	};
	for (size_t i = 0; i < ARRAY_LEN(process->exchanges); i++) {
		if (process->exchanges[i].used)
			tell_end(process, process->exchanges[i].ticket, LINK_STREAM_LOST);
	}
	link_process_finish_exchanges(process);
	link_process_end_client(process);
	TRY(link_client_create(&config, &process->client));
	memcpy(process->relay_key, config.relay_key, sizeof(process->relay_key));
	memcpy(process->network_id, config.network_id, sizeof(process->network_id));
	/* The engine counts sockets from 0 or whatever it is told first. */
	link_client_network_changed(process->client, process->sockets.generation, os_clock_now_ns(),
				    os_clock_utc_ms());
	TRY(link_client_start(process->client, os_clock_now_ns(), os_clock_utc_ms()));
out:
	/* What the agent sends is well formed; if it is not, there is no link, and status says so. */
	(void)err;
	bytes_wipe(&config, sizeof(config));
}

static void request(struct link_process *process, struct bytes message)
{
	struct wire_link_request asked;
	struct link_exchange *free_place = NULL;
	enum sotto_err err;
	uint64_t number;

	if (wire_link_request_decode(message, &asked) != SOTTO_OK)
		return;
	for (size_t i = 0; i < ARRAY_LEN(process->exchanges); i++) {
		if (!process->exchanges[i].used)
			free_place = &process->exchanges[i];
	}
	err = process->client == NULL || free_place == NULL
		      ? SOTTO_ERR_STATE
		      : link_client_request(process->client, asked.message, &number);
	if (err != SOTTO_OK) {
		tell_end(process, asked.ticket, LINK_STREAM_LOST);
		return;
	}
	*free_place = (struct link_exchange){
		.process = process, .used = true, .ticket = asked.ticket, .request = number};
	wire_splitter_init(&free_place->splitter, &allocator_default);
}

static void cancel(struct link_process *process, struct bytes message)
{
	struct wire_link_cancel cancelled;
	struct link_exchange *exchange;

	if (wire_link_cancel_decode(message, &cancelled) != SOTTO_OK)
		return;
	exchange = by_ticket(process, cancelled.ticket);
	if (exchange == NULL)
		return;
	link_client_cancel(process->client, exchange->request);
	link_client_consume(process->client, exchange->request, exchange->unconsumed);
	finish(exchange);
}

void link_process_handle(struct link_process *process, struct bytes message, int *media_fd)
{
	struct wire_beat_start start;

	switch (message.len > 0 ? message.data[0] : 0) {
	case wire_number_link_configure:
		configure(process, message);
		break;
	case wire_number_link_stop:
		if (process->client != NULL)
			link_client_stop(process->client, os_clock_now_ns());
		break;
	case wire_number_link_request:
		request(process, message);
		break;
	case wire_number_link_cancel:
		cancel(process, message);
		break;
	case wire_number_link_media:
		if (*media_fd >= 0)
			link_beat_attach(process, *media_fd);
		*media_fd = -1;
		break;
	case wire_number_beat_start:
		if (wire_beat_start_decode(message, &start) == SOTTO_OK)
			link_beat_start(process, &start);
		break;
	case wire_number_beat_stop:
		link_beat_stop(process);
		break;
	default:
		break;
	}
	link_process_pump(process);
}
