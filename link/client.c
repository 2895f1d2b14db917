/* SPDX-License-Identifier: Apache-2.0 */
/* What the phone's program calls. */
#include "link/link_client.h"

#include <string.h>

#include "link/client_internal.h"

enum sotto_err link_client_create(const struct link_client_config *config,
				  struct link_client **client)
{
	const struct allocator *allocator =
		config->allocator ? config->allocator : &allocator_default;
	struct link_client *made = NULL;
	enum sotto_err err;

	FAIL_IF(!config->random, SOTTO_ERR_ARGUMENT);
	made = allocator_take_zeroed(allocator, 1, sizeof(*made));
	FAIL_IF(!made, SOTTO_ERR_NO_MEMORY);
	made->config = *config;
	made->allocator = allocator;
	made->clock_offset_ms = config->clock_offset_ms;
	made->dial_ns = LINK_NEVER;
	list_init(&made->requests);
	TRY(link_client_set_addresses(made, config->addresses, config->address_count));
	TRY(link_client_set_keys(made, config->keys, config->key_count));
	TRY(envelope_padding_init(&made->padding, config->random));
	TRY(quic_tls_create(allocator, &made->tls));
	*client = made;
	made = NULL;
out:
	link_client_destroy(made);
	return err;
}

void link_client_destroy(struct link_client *client)
{
	if (!client)
		return;
	client_attempts_drop(client);
	while (!list_empty(&client->requests)) {
		struct client_request *request =
			CONTAINER_OF(client->requests.next, struct client_request, node);

		list_remove(&request->node);
		allocator_give(client->allocator, request, sizeof(*request));
	}
	quic_tls_destroy(client->tls);
	allocator_wipe(client->allocator, client, sizeof(*client));
}

enum sotto_err link_client_set_keys(struct link_client *client, const struct link_key *keys,
				    size_t count)
{
	if (count == 0 || count > LINK_CLIENT_KEYS_MAX)
		return SOTTO_ERR_ARGUMENT;
	bytes_wipe(client->config.keys, sizeof(client->config.keys)); /* derived is enough */
	for (size_t i = 0; i < count; i++)
		link_secrets_derive(&keys[i], &client->secrets[i]);
	client->config.key_count = count;
	client->candidate = 0;
	return SOTTO_OK;
}

enum sotto_err link_client_set_addresses(struct link_client *client,
					 const struct link_address *addresses, size_t count)
{
	if (count == 0 || count > LINK_CLIENT_ADDRESSES_MAX)
		return SOTTO_ERR_ARGUMENT;
	memmove(client->config.addresses, addresses, count * sizeof(addresses[0]));
	client->config.address_count = count;
	client->candidate = 0;
	return SOTTO_OK;
}

void client_tell(struct link_client *client, enum link_client_state state, enum link_reason reason)
{
	const struct link_client_events *events = &client->config.events;
	struct link_client_status status;

	client->state = state;
	client->reason = reason;
	link_client_status(client, &status);
	events->on_status(events->context, &status);
}

void client_report(struct link_client *client, enum link_client_state state,
		   enum link_reason reason)
{
	if (client->state != state || client->reason != reason)
		client_tell(client, state, reason);
}

enum sotto_err link_client_start(struct link_client *client, uint64_t now_ns, uint64_t utc_ms)
{
	if (client->state != LINK_CLIENT_STOPPED)
		return SOTTO_ERR_STATE;
	client->goodbye.len = 0;
	client_dial_start(client, now_ns);
	client_report(client, LINK_CLIENT_CONNECTING, LINK_REASON_NONE);
	client_dial_step(client, now_ns, utc_ms);
	return SOTTO_OK;
}

void link_client_stop(struct link_client *client, uint64_t now_ns)
{
	if (client->state == LINK_CLIENT_STOPPED)
		return;
	if (client->up)
		quic_close(client->up->quic, now_ns, &client->goodbye);
	client_attempts_drop(client);
	client->dial_ns = LINK_NEVER;
	client_report(client, LINK_CLIENT_STOPPED, LINK_REASON_CLOSED);
	client_streams_lose(client);
}

static struct client_attempt *owner(struct link_client *client, const uint8_t *cid)
{
	for (size_t i = 0; i < CLIENT_ATTEMPTS_MAX; i++) {
		struct client_attempt *attempt = &client->attempts[i];

		if (attempt->quic && quic_owns(attempt->quic, cid))
			return attempt;
	}
	return NULL;
}

/* The quic of an attempt has failed: of the link, or one of several tries. */
static void fail(struct link_client *client, struct client_attempt *attempt,
		 enum link_reason reason, uint64_t now_ns)
{
	if (attempt == client->up)
		client_link_lose(client, reason, now_ns);
	else
		client_attempt_drop(attempt);
	if (reason == LINK_REASON_RANDOM || reason == LINK_REASON_NO_MEMORY)
		client_report(client, LINK_CLIENT_CONNECTING, reason);
}

void link_client_receive(struct link_client *client, const struct link_path *path,
			 struct bytes payload, uint64_t now_ns, uint64_t utc_ms)
{
	struct client_attempt *attempt;
	struct quic_header header;
	struct link_path tried;
	struct bytes packet;
	enum link_reason reason = LINK_REASON_NONE;

	if (quic_peek(payload, &header) != SOTTO_OK)
		return;
	attempt = owner(client, header.dcid);
	if (!attempt)
		return;
	quic_path(attempt->quic, &tried);
	if (!link_address_equal(&tried.remote, &path->remote) ||
	    envelope_open(quic_secrets(attempt->quic), payload, &packet) != SOTTO_OK)
		return;
	if (quic_receive(attempt->quic, path, packet, payload.len, now_ns, &reason) != SOTTO_OK)
		fail(client, attempt, reason, now_ns);
	else if (attempt->handshaken && !client->up)
		client_link_begin(client, attempt, now_ns);
	client_link_settle(client, now_ns, utc_ms);
	client_dial_step(client, now_ns, utc_ms);
}

void link_client_send(struct link_client *client, uint64_t now_ns, struct link_packet *out)
{
	out->len = 0;
	if (client->goodbye.len) {
		*out = client->goodbye;
		client->goodbye.len = 0;
		return;
	}
	for (size_t i = 0; i < CLIENT_ATTEMPTS_MAX && !out->len; i++) {
		struct client_attempt *attempt = &client->attempts[i];
		enum link_reason reason = LINK_REASON_NONE;

		if (!attempt->quic)
			continue;
		if (quic_write(attempt->quic, now_ns, out, &reason) != SOTTO_OK) {
			out->len = 0;
			fail(client, attempt, reason, now_ns);
		}
	}
	client_link_watch(client, now_ns);
}

void link_client_unreachable(struct link_client *client, const struct link_path *path,
			     uint64_t now_ns)
{
	(void)now_ns;
	/* A link that is up may only be between two networks: its silence decides. */
	if (client->state == LINK_CLIENT_CONNECTING)
		client_dial_unreachable(client, path);
}

uint64_t link_client_deadline(const struct link_client *client)
{
	if (client->state == LINK_CLIENT_STOPPED)
		return LINK_NEVER;
	return client->up ? client_link_deadline(client) : client_dial_deadline(client);
}

void link_client_handle_deadline(struct link_client *client, uint64_t now_ns, uint64_t utc_ms)
{
	for (size_t i = 0; i < CLIENT_ATTEMPTS_MAX; i++) {
		struct client_attempt *attempt = &client->attempts[i];
		enum link_reason reason = LINK_REASON_NONE;

		if (!attempt->quic || quic_deadline(attempt->quic) > now_ns)
			continue;
		if (quic_expire(attempt->quic, now_ns, &reason) != SOTTO_OK)
			fail(client, attempt, reason, now_ns);
	}
	client_link_settle(client, now_ns, utc_ms);
	client_dial_step(client, now_ns, utc_ms);
}

void link_client_network_changed(struct link_client *client, uint32_t socket, uint64_t now_ns,
				 uint64_t utc_ms)
{
	client->socket = socket;
	if (client->state == LINK_CLIENT_STOPPED)
		return;
	if (client->up) {
		client_link_moved(client, now_ns);
	} else {
		client_attempts_drop(client);
		client_dial_start(client, now_ns);
	}
	client_dial_step(client, now_ns, utc_ms);
}

enum sotto_err link_client_datagram(struct link_client *client, struct bytes bytes, uint64_t now_ns,
				    struct link_packet *out)
{
	enum sotto_err err;

	out->len = 0;
	if (client->state != LINK_CLIENT_UP)
		return SOTTO_ERR_STATE;
	err = quic_datagram(client->up->quic, bytes, now_ns, out);
	client_link_watch(client, now_ns);
	return err;
}

void link_client_set_voice(struct link_client *client, size_t small_len)
{
	client->small_len = 0;
	if (small_len >= LINK_SMALL_LEN_MIN && small_len <= LINK_SMALL_LEN_MAX)
		client->small_len = small_len;
	if (client->up)
		quic_set_small(client->up->quic, client->small_len);
}

enum sotto_err link_client_exporter(const struct link_client *client, uint8_t *exporter)
{
	return client->up ? quic_exporter(client->up->quic, exporter) : SOTTO_ERR_STATE;
}

void link_client_status(const struct link_client *client, struct link_client_status *status)
{
	*status = (struct link_client_status){
		.state = client->state,
		.reason = client->reason,
		.clock_offset_ms = client->clock_offset_ms,
		.retry_ns = client->dial_ns,
	};
	if (client->up) {
		status->kind = quic_secrets(client->up->quic)->kind;
		status->number = quic_secrets(client->up->quic)->number;
		status->path = client->path;
	}
}

void link_client_stats(const struct link_client *client, struct link_client_stats *stats)
{
	struct quic_stats quic = {0};

	if (client->up)
		quic_stats(client->up->quic, &quic);
	*stats = (struct link_client_stats){
		.packets_in = quic.packets_in,
		.packets_out = quic.packets_out,
		.datagrams_lost = quic.datagrams_lost,
		.datagrams_in = quic.datagrams_in,
		.datagrams_out = quic.datagrams_out,
		.datagrams_refused = quic.datagrams_refused,
		.rtt_ns = quic.rtt_ns,
		.migrations = client->migrations,
		.connects = client->connects,
	};
}
