/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Under which address phones are told to find this relay: --public, else the first --listen with the port
 * that the kernel chose; where that is any address, the one that the kernel would send from.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "os/udp.h"
#include "relay/parent.h"

/* Addresses for documentation (RFC 5737, RFC 3849): connecting to them sends nothing, and shows the route. */
#define ANYWHERE_V4 "192.0.2.1:9"
#define ANYWHERE_V6 "[2001:db8::1]:9"

static void ignore(void *context, struct os_udp *udp, const struct os_datagram *datagrams,
		   size_t count, uint64_t now_ns)
{
	(void)context;
	(void)udp;
	(void)datagrams;
	(void)count;
	(void)now_ns;
}

static enum sotto_err bound_address(int socket, struct os_address *address)
{
	struct sockaddr_storage any;
	socklen_t len = sizeof(any);

	if (getsockname(socket, (struct sockaddr *)&any, &len) != 0)
		return SOTTO_ERR_IO;
	return os_address_set(address, (struct sockaddr *)&any, len);
}

/* Replaces any address by the one that packets leave from. */
static enum sotto_err make_concrete(struct os_loop *loop, struct os_address *address)
{
	struct os_udp_handler handler = {.received = ignore};
	uint16_t port = os_address_port(address);
	struct os_address anywhere;
	struct os_udp *udp = NULL;
	enum sotto_err err;

	TRY(os_address_parse(address->any.sa_family == AF_INET ? ANYWHERE_V4 : ANYWHERE_V6,
			     &anywhere));
	TRY(os_udp_connect(loop, &anywhere, &handler, &udp));
	*address = *os_udp_local(udp);
	os_address_set_port(address, port);
out:
	os_udp_destroy(udp);
	return err;
}

enum sotto_err parent_name_find(struct sottod_parent *parent, int socket)
{
	struct os_address address;
	enum sotto_err err;
	bool any;

	if (parent->options->public_name != NULL)
		return SOTTO_OK;
	TRY(bound_address(socket, &address));
	any = os_address_is_wildcard(&address);
	if (any) {
		err = make_concrete(parent->loop, &address);
		if (err != SOTTO_OK) {
			sottod_complain("this machine has no address that phones could call: give "
					"--public HOST:PORT");
			return err;
		}
	}
	os_address_format(&address, parent->listen_text);
	if (any)
		sottod_complain("phones will call %s; give --public HOST:PORT if they reach this "
				"machine otherwise",
				parent->listen_text);
out:
	return err;
}

void parent_name_print(struct sottod_parent *parent)
{
	struct wire_relay_name name = parent->name;
	const char *address = parent->options->public_name != NULL ? parent->options->public_name
								   : parent->listen_text;
	struct writer text;

	name.address = BYTES(address, strlen(address));
	writer_init_growing(&text, &allocator_default);
	wire_relay_name_put(&name, &text);
	if (writer_finish(&text) == SOTTO_OK) {
		(void)printf("relay: %.*s\n", (int)text.len, (const char *)text.data);
		(void)fflush(stdout);
	}
	writer_release(&text);
	bytes_wipe(&name, sizeof(name));
	bytes_wipe(&parent->name, sizeof(parent->name));
}
