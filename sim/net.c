/* SPDX-License-Identifier: Apache-2.0 */
/* The network: each datagram under way is an event. */
#include "sim/net.h"

#include <string.h>

#include "base/assert.h"
#include "base/list.h"

struct sim_node {
	struct list link;
	struct sim_net *net;
	struct link_address address;
	sim_net_fn *receive;
	void *context;
	uint32_t island;
	bool cut;
};

/* From one node to another; NULL is any. The slow link's queue ends at free_ns. */
struct route {
	struct list link;
	const struct sim_node *from;
	const struct sim_node *to;
	struct sim_net_faults faults;
	uint64_t free_ns;
};

struct datagram {
	struct list link;
	struct sim_event event;
	struct sim_net *net;
	struct link_address from;
	struct link_address to;
	struct sim_node *sender;
	size_t len;
	uint8_t data[];
};

struct sim_net {
	const struct allocator *allocator;
	struct sim_clock *clock;
	struct sim_random random;
	struct list nodes;
	struct list routes;
	struct list under_way;
	struct route everywhere;
	struct sim_net_stats stats;
};

enum sotto_err sim_net_create(const struct allocator *allocator, struct sim_clock *clock,
			      const struct sim_random *random, struct sim_net **net)
{
	struct sim_net *made = allocator_take_zeroed(allocator, 1, sizeof(*made));

	if (made == NULL)
		return SOTTO_ERR_NO_MEMORY;
	made->allocator = allocator;
	made->clock = clock;
	made->random = *random;
	list_init(&made->nodes);
	list_init(&made->routes);
	list_init(&made->under_way);
	*net = made;
	return SOTTO_OK;
}

static void forget_datagram(struct datagram *datagram)
{
	struct sim_net *net = datagram->net;

	sim_clock_cancel(net->clock, &datagram->event);
	list_remove(&datagram->link);
	allocator_give(net->allocator, datagram, sizeof(*datagram) + datagram->len);
}

static void forget_routes(struct sim_net *net)
{
	list_for_each (element, following, &net->routes) {
		list_remove(element);
		allocator_give(net->allocator, CONTAINER_OF(element, struct route, link),
			       sizeof(struct route));
	}
}

void sim_net_destroy(struct sim_net *net)
{
	if (net == NULL)
		return;
	list_for_each (element, following, &net->under_way)
		forget_datagram(CONTAINER_OF(element, struct datagram, link));
	forget_routes(net);
	list_for_each (element, following, &net->nodes)
		allocator_give(net->allocator, CONTAINER_OF(element, struct sim_node, link),
			       sizeof(struct sim_node));
	allocator_give(net->allocator, net, sizeof(*net));
}

enum sotto_err sim_net_node(struct sim_net *net, const struct link_address *address,
			    sim_net_fn *receive, void *context, struct sim_node **node)
{
	struct sim_node *made = allocator_take_zeroed(net->allocator, 1, sizeof(*made));

	if (made == NULL)
		return SOTTO_ERR_NO_MEMORY;
	made->net = net;
	made->address = *address;
	made->receive = receive;
	made->context = context;
	list_append(&net->nodes, &made->link);
	*node = made;
	return SOTTO_OK;
}

void sim_net_leave(struct sim_node *node)
{
	struct sim_net *net = node->net;

	list_for_each (element, following, &net->under_way) {
		struct datagram *datagram = CONTAINER_OF(element, struct datagram, link);

		if (datagram->sender == node)
			forget_datagram(datagram);
	}
	list_for_each (element, following, &net->routes) {
		struct route *route = CONTAINER_OF(element, struct route, link);

		if (route->from != node && route->to != node)
			continue;
		list_remove(element);
		allocator_give(net->allocator, route, sizeof(*route));
	}
	list_remove(&node->link);
	allocator_give(net->allocator, node, sizeof(*node));
}

static struct sim_node *find_node(const struct sim_net *net, const struct link_address *address)
{
	list_for_each (element, following, &net->nodes) {
		struct sim_node *node = CONTAINER_OF(element, struct sim_node, link);

		if (link_address_equal(&node->address, address))
			return node;
	}
	return NULL;
}

void sim_net_bind(struct sim_node *node, const struct link_address *address)
{
	struct sim_node *before = find_node(node->net, address);

	if (before != NULL && before != node)
		before->address = (struct link_address){.port = 0};
	node->address = *address;
}

const struct link_address *sim_net_address(const struct sim_node *node)
{
	return &node->address;
}

static struct route *find_route(struct sim_net *net, const struct sim_node *from,
				const struct sim_node *to)
{
	list_for_each (element, following, &net->routes) {
		struct route *route = CONTAINER_OF(element, struct route, link);

		if (route->from == from && route->to == to)
			return route;
	}
	return NULL;
}

enum sotto_err sim_net_set_faults(struct sim_net *net, const struct sim_node *from,
				  const struct sim_node *to, const struct sim_net_faults *faults)
{
	struct route *route = find_route(net, from, to);

	if (from == NULL && to == NULL) {
		forget_routes(net);
		route = &net->everywhere;
	}
	if (route == NULL) {
		route = allocator_take_zeroed(net->allocator, 1, sizeof(*route));
		if (route == NULL)
			return SOTTO_ERR_NO_MEMORY;
		route->from = from;
		route->to = to;
		list_append(&net->routes, &route->link);
	}
	route->faults = *faults;
	return SOTTO_OK;
}

/* The most special one that was set. */
static struct route *route_between(struct sim_net *net, const struct sim_node *from,
				   const struct sim_node *to)
{
	struct route *route = find_route(net, from, to);

	if (route == NULL)
		route = find_route(net, from, NULL);
	if (route == NULL)
		route = find_route(net, NULL, to);
	return route != NULL ? route : &net->everywhere;
}

void sim_net_cut(struct sim_node *node, bool cut)
{
	node->cut = cut;
}

void sim_net_island(struct sim_node *node, uint32_t island)
{
	node->island = island;
}

static bool hears(const struct sim_node *from, const struct sim_node *to)
{
	return to != NULL && !from->cut && !to->cut && from->island == to->island;
}

static void arrive(void *context)
{
	struct datagram *datagram = context;
	struct sim_net *net = datagram->net;
	struct sim_node *to = find_node(net, &datagram->to);

	list_remove(&datagram->link); /* whoever hears it may take nodes out of the net */
	if (hears(datagram->sender, to)) {
		net->stats.delivered++;
		to->receive(to->context, &datagram->from, &datagram->to,
			    BYTES(datagram->data, datagram->len));
	} else {
		net->stats.dropped++;
	}
	allocator_give(net->allocator, datagram, sizeof(*datagram) + datagram->len);
}

static void launch(struct sim_node *from, const struct link_address *to, struct bytes bytes,
		   uint64_t when_ns)
{
	struct sim_net *net = from->net;
	struct datagram *datagram =
		allocator_take_zeroed(net->allocator, 1, sizeof(*datagram) + bytes.len);

	if (datagram == NULL) {
		net->stats.dropped++;
		return;
	}
	datagram->event = (struct sim_event){.run = arrive, .context = datagram};
	datagram->net = net;
	datagram->from = from->address;
	datagram->to = *to;
	datagram->sender = from;
	datagram->len = bytes.len;
	if (bytes.len != 0)
		memcpy(datagram->data, bytes.data, bytes.len);
	list_append(&net->under_way, &datagram->link);
	if (sim_clock_set(net->clock, &datagram->event, when_ns) != SOTTO_OK) {
		net->stats.dropped++;
		forget_datagram(datagram);
	}
}

/* When the last byte has left over a slow link; 0: its queue is full. */
static uint64_t leave(struct route *route, uint64_t now_ns, size_t len)
{
	const struct sim_net_faults *faults = &route->faults;
	uint64_t start_ns = route->free_ns > now_ns ? route->free_ns : now_ns;

	if (faults->bytes_per_second == 0)
		return now_ns;
	if (start_ns - now_ns > faults->queue_ns)
		return 0;
	route->free_ns = start_ns + len * SIM_SECOND / faults->bytes_per_second;
	return route->free_ns;
}

void sim_net_send(struct sim_node *node, const struct link_address *address, struct bytes bytes)
{
	struct sim_net *net = node->net;
	struct sim_node *to = find_node(net, address);
	struct route *route = route_between(net, node, to);
	const struct sim_net_faults *faults = &route->faults;
	uint64_t copies = 1;
	uint64_t left_ns;

	net->stats.sent++;
	if (bytes.len > SIM_NET_DATAGRAM_LEN_MAX || !hears(node, to)) {
		net->stats.dropped++;
		return;
	}
	left_ns = leave(route, sim_clock_now(net->clock), bytes.len);
	if (left_ns == 0) {
		net->stats.dropped++;
		return;
	}
	if (sim_random_chance(&net->random, faults->loss_ppm)) {
		net->stats.lost++;
		return;
	}
	if (sim_random_chance(&net->random, faults->duplicate_ppm)) {
		net->stats.duplicated++;
		copies++;
	}
	while (copies-- > 0) {
		uint64_t when_ns = left_ns + faults->delay_ns +
				   sim_random_below(&net->random, faults->jitter_ns + 1);

		if (sim_random_chance(&net->random, faults->reorder_ppm))
			when_ns += faults->reorder_ns;
		launch(node, address, bytes, when_ns);
	}
}

void sim_net_stats(const struct sim_net *net, struct sim_net_stats *stats)
{
	*stats = net->stats;
}
