/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The link process' sockets: one of each family at a time, opened anew whenever the network changes, so
 * that the kernel chooses the source address by today's routes. The sockets of before stay for a moment:
 * what is on its way to them is still ours.
 */
#include "link/link_os.h"
#include "os/clock.h"
#include "phone/link_process.h"

#define OLD_SOCKETS_NS UINT64_C(5000000000)

static bool is_old(const struct link_process *process, const struct os_udp *udp)
{
	return udp == process->old_sockets.v4 || udp == process->old_sockets.v6;
}

static void received(void *context, struct os_udp *udp, const struct os_datagram *datagrams,
		     size_t count, uint64_t now_ns)
{
	struct link_process *process = context;
	struct link_path path = {.socket = process->sockets.generation};

	if (process->client == NULL)
		return;
	if (is_old(process, udp))
		path.socket = process->old_sockets.generation;
	for (size_t i = 0; i < count; i++) {
		link_address_from_os(&datagrams[i].remote, &path.remote);
		link_client_receive(process->client, &path, datagrams[i].payload, now_ns,
				    os_clock_utc_ms());
	}
	link_process_pump(process);
}

static void writable(void *context, struct os_udp *udp)
{
	(void)udp;
	link_process_pump(context);
}

static enum sotto_err bind_any(struct link_process *process, const char *wildcard,
			       struct os_udp **udp)
{
	struct os_udp_handler handler = {
		.received = received, .writable = writable, .context = process};
	struct os_address any;
	enum sotto_err err;

	TRY(os_address_parse(wildcard, &any));
	TRY(os_udp_bind(process->loop, &any, &handler, udp));
out:
	return err;
}

enum sotto_err link_sockets_open(struct link_process *process)
{
	struct link_sockets opened = {.generation = process->sockets.generation + 1};

	/* A machine may lack a family, not both. */
	if (bind_any(process, "0.0.0.0:0", &opened.v4) != SOTTO_OK)
		opened.v4 = NULL;
	if (bind_any(process, "[::]:0", &opened.v6) != SOTTO_OK)
		opened.v6 = NULL;
	if (opened.v4 == NULL && opened.v6 == NULL)
		return SOTTO_ERR_IO;
	link_sockets_close(&process->old_sockets);
	process->old_sockets = process->sockets;
	process->sockets = opened;
	os_loop_set_timer(process->loop, &process->old_timer,
			  os_loop_now_ns(process->loop) + OLD_SOCKETS_NS);
	return SOTTO_OK;
}

void link_sockets_close(struct link_sockets *sockets)
{
	os_udp_destroy(sockets->v4);
	os_udp_destroy(sockets->v6);
	sockets->v4 = NULL;
	sockets->v6 = NULL;
}

void link_sockets_renew(struct link_process *process)
{
	/* Without new sockets the old ones may still do. */
	if (link_sockets_open(process) != SOTTO_OK || process->client == NULL)
		return;
	link_client_network_changed(process->client, process->sockets.generation, os_clock_now_ns(),
				    os_clock_utc_ms());
	link_process_pump(process);
}

void link_sockets_send(struct link_process *process, const struct link_packet *packet)
{
	const struct link_sockets *sockets = &process->sockets;
	struct os_datagram datagram = {.payload = BYTES(packet->data, packet->len)};
	struct os_udp *udp;
	size_t sent;

	if (packet->path.socket == process->old_sockets.generation)
		sockets = &process->old_sockets;
	udp = link_address_is_v4(&packet->path.remote) ? sockets->v4 : sockets->v6;
	if (udp == NULL) {
		if (process->client != NULL)
			link_client_unreachable(process->client, &packet->path, os_clock_now_ns());
		return;
	}
	link_address_to_os(&packet->path.remote, &datagram.remote);
	/* A full socket buffer is a lost packet: QUIC knows what to do, and waiting would be worse. */
	(void)!os_udp_send(udp, &datagram, 1, &sent);
}
