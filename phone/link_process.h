/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The link process of a phone: the one that speaks to the network. It has the access key and nothing else:
 * no key of a person, no file, no other process' memory.
 *
 *	agent --link_configure, link_request--> link_requests.c --> link_client --> link_sockets.c --> UDP
 *	agent <--link_status, link_reply------- link_requests.c <-- link_client <-- link_sockets.c <-- UDP
 *	voice --datagram--> link_beat.c --each 20 ms--> link_client
 *	voice <--datagram-- link_beat.c <-------------- link_client
 */
#ifndef PHONE_LINK_PROCESS_H
#define PHONE_LINK_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "link/link_client.h"
#include "os/ipc.h"
#include "os/loop.h"
#include "os/netwatch.h"
#include "os/udp.h"
#include "phone/processes.h"
#include "wire/frame.h"
#include "wire/wire.h"

/* What may wait on its way to the agent before the relay is asked to stop sending. */
#define LINK_PROCESS_QUEUE_MAX (1024 * 1024)

/* Frames that wait for their beat: more would only add delay, so the oldest goes. */
#define LINK_PROCESS_MEDIA_MAX 2

#define LINK_PROCESS_BEAT_NS   UINT64_C(20000000)

/* After half a second a frame that always waits is 20 ms of delay for nothing: it is left out. */
#define LINK_PROCESS_BEHIND_MAX 25

struct link_process;

/* A request of the agent, by its ticket, on a stream of the link. */
struct link_exchange {
	struct link_process *process;
	bool used;
	uint64_t ticket;
	uint64_t request;  /* the engine's number */
	size_t unconsumed; /* bytes of the answer that the engine still counts */
	struct wire_splitter splitter;
};

struct link_sockets {
	struct os_udp *v4; /* NULL: this machine has no such family */
	struct os_udp *v6;
	uint32_t generation;
};

struct link_beat {
	bool on;
	uint8_t room;
	uint16_t payload_len;
	struct os_timer timer;
	uint64_t next_ns;
	struct {
		uint8_t data[WIRE_DATAGRAM_HEADER_LEN + WIRE_DATAGRAM_PAYLOAD_MAX];
		size_t len;
	} waiting[LINK_PROCESS_MEDIA_MAX];
	size_t waiting_count;
	unsigned behind; /* beats in a row that left a frame waiting */
};

struct link_process {
	struct os_loop *loop;
	struct os_ipc *agent;
	struct os_ipc *media; /* to the voice process; NULL outside a call */
	struct os_netwatch *netwatch;
	struct link_client *client;	       /* NULL until configured */
	uint8_t relay_key[LINK_RELAY_KEY_LEN]; /* whom the client is for */
	uint8_t network_id[LINK_NETWORK_ID_LEN];
	struct link_sockets sockets;
	struct link_sockets old_sockets; /* of before the last change, until packets stop coming */
	struct os_timer deadline;
	struct os_timer old_timer;
	struct os_deferred flush;
	struct link_beat beat;
	struct link_exchange exchanges[LINK_CLIENT_REQUESTS_MAX];
};

/* link_sockets.c: opens both families at the next generation; SOTTO_ERR_IO if neither can be. */
MUST_USE enum sotto_err link_sockets_open(struct link_process *process);
void link_sockets_close(struct link_sockets *sockets);

/* Interfaces changed or the phone woke: new sockets, and the engine migrates to them. */
void link_sockets_renew(struct link_process *process);

/* Sends one payload of the engine. */
void link_sockets_send(struct link_process *process, const struct link_packet *packet);

/* After every call of the engine: what it has to send, later in this round, and its next deadline. */
void link_process_pump(struct link_process *process);

/* Says goodbye to the relay, which would otherwise keep a dead link for a while, and forgets the engine. */
void link_process_end_client(struct link_process *process);

/* link_requests.c: one message of the agent; *media_fd is taken and set to -1 where it belongs to it. */
void link_process_handle(struct link_process *process, struct bytes message, int *media_fd);
void link_process_finish_exchanges(struct link_process *process);

/* More answers may be taken in, now that the agent has read. */
void link_process_drained(struct link_process *process);

/* link_beat.c */
void link_beat_init(struct link_process *process);
void link_beat_start(struct link_process *process, const struct wire_beat_start *start);
void link_beat_stop(struct link_process *process);

/* Takes the voice process' channel; closes it on failure. */
void link_beat_attach(struct link_process *process, int media_fd);
void link_beat_detach(struct link_process *process);

/* A datagram that arrived, for the voice process if there is one. */
void link_beat_deliver(struct link_process *process, struct bytes datagram);

#endif
