/* SPDX-License-Identifier: Apache-2.0 */
/* A link engine on the simulated network. */
#include "sim/endpoint.h"

#include "base/assert.h"

#define HASH_START UINT64_C(0xcbf29ce484222325)
#define HASH_PRIME UINT64_C(0x100000001b3)

struct sim_endpoint {
	struct sim_endpoint_config config;
	struct sim_node *node;
	struct sim_event event;
	uint32_t socket; /* the generation of a phone's sockets */
	uint64_t fingerprint;
};

uint64_t sim_endpoint_utc_ms(const struct sim_endpoint *endpoint)
{
	const struct sim_endpoint_config *config = &endpoint->config;

	if (config->utc_ms != NULL)
		return config->utc_ms(config->context);
	return sim_clock_utc_ms(config->clock) + (uint64_t)config->skew_ms;
}

static void hear(void *context, const struct link_address *from, const struct link_address *to,
		 struct bytes bytes)
{
	struct sim_endpoint *endpoint = context;
	const struct sim_endpoint_config *config = &endpoint->config;
	struct link_path path = {.socket = endpoint->socket, .remote = *from};
	uint64_t now_ns = sim_clock_now(config->clock);

	(void)to;
	if (config->client != NULL)
		link_client_receive(config->client, &path, bytes, now_ns,
				    sim_endpoint_utc_ms(endpoint));
	else if (config->server != NULL)
		link_server_receive(config->server, &path, bytes, now_ns,
				    sim_endpoint_utc_ms(endpoint));
	sim_endpoint_pump(endpoint);
}

static void expire(void *context)
{
	struct sim_endpoint *endpoint = context;
	const struct sim_endpoint_config *config = &endpoint->config;
	uint64_t now_ns = sim_clock_now(config->clock);

	if (config->client != NULL)
		link_client_handle_deadline(config->client, now_ns, sim_endpoint_utc_ms(endpoint));
	else
		link_server_handle_deadline(config->server, now_ns);
	sim_endpoint_pump(endpoint);
}

enum sotto_err sim_endpoint_create(const struct sim_endpoint_config *config,
				   struct sim_endpoint **endpoint)
{
	struct sim_endpoint *made = allocator_take_zeroed(config->allocator, 1, sizeof(*made));
	enum sotto_err err = SOTTO_OK;

	ASSERT(config->client == NULL || config->server == NULL);
	FAIL_IF(made == NULL, SOTTO_ERR_NO_MEMORY);
	made->config = *config;
	made->fingerprint = HASH_START;
	made->event = (struct sim_event){.run = expire, .context = made};
	TRY(sim_net_node(config->net, &config->address, hear, made, &made->node));
	*endpoint = made;
	made = NULL;
out:
	allocator_give(config->allocator, made, sizeof(*made));
	return err;
}

void sim_endpoint_destroy(struct sim_endpoint *endpoint)
{
	if (endpoint == NULL)
		return;
	sim_clock_cancel(endpoint->config.clock, &endpoint->event);
	sim_net_leave(endpoint->node);
	allocator_give(endpoint->config.allocator, endpoint, sizeof(*endpoint));
}

void sim_endpoint_set_client(struct sim_endpoint *endpoint, struct link_client *client)
{
	endpoint->config.client = client;
	endpoint->socket = 0;
	if (client == NULL)
		sim_clock_cancel(endpoint->config.clock, &endpoint->event);
}

static void fold(struct sim_endpoint *endpoint, uint64_t value)
{
	endpoint->fingerprint = (endpoint->fingerprint ^ value) * HASH_PRIME;
}

void sim_endpoint_send(struct sim_endpoint *endpoint, const struct link_packet *packet)
{
	if (packet->len == 0)
		return;
	fold(endpoint, sim_clock_now(endpoint->config.clock));
	for (size_t i = 0; i < packet->len; i++)
		fold(endpoint, packet->data[i]);
	sim_net_send(endpoint->node, &packet->path.remote, BYTES(packet->data, packet->len));
}

void sim_endpoint_pump(struct sim_endpoint *endpoint)
{
	const struct sim_endpoint_config *config = &endpoint->config;
	uint64_t now_ns = sim_clock_now(config->clock);
	struct link_packet packet;
	uint64_t deadline_ns;
	enum sotto_err err;

	if (config->client == NULL && config->server == NULL)
		return;
	do {
		if (config->client != NULL)
			link_client_send(config->client, now_ns, &packet);
		else
			link_server_send(config->server, now_ns, &packet);
		sim_endpoint_send(endpoint, &packet);
	} while (packet.len > 0);
	deadline_ns = config->client != NULL ? link_client_deadline(config->client)
					     : link_server_deadline(config->server);
	if (deadline_ns == LINK_NEVER) {
		sim_clock_cancel(config->clock, &endpoint->event);
		return;
	}
	err = sim_clock_set(config->clock, &endpoint->event, deadline_ns);
	ASSERT(err == SOTTO_OK); /* the simulator's own memory */
}

void sim_endpoint_rebind(struct sim_endpoint *endpoint, const struct link_address *address)
{
	sim_net_bind(endpoint->node, address);
}

void sim_endpoint_roam(struct sim_endpoint *endpoint, const struct link_address *address)
{
	ASSERT(endpoint->config.client != NULL);
	sim_net_bind(endpoint->node, address);
	endpoint->socket++;
	link_client_network_changed(endpoint->config.client, endpoint->socket,
				    sim_clock_now(endpoint->config.clock),
				    sim_endpoint_utc_ms(endpoint));
	sim_endpoint_pump(endpoint);
}

struct sim_node *sim_endpoint_node(struct sim_endpoint *endpoint)
{
	return endpoint->node;
}

uint64_t sim_endpoint_fingerprint(const struct sim_endpoint *endpoint)
{
	return endpoint->fingerprint;
}
