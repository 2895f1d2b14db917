/* SPDX-License-Identifier: Apache-2.0 */
/* The phones of demo-links: only their links, no keys of persons. Each appends, watches and talks. */
#ifndef TOOLS_LINKS_LINKS_H
#define TOOLS_LINKS_LINKS_H

#include "link/link_client.h"
#include "os/loop.h"
#include "os/udp.h"
#include "wire/drop.h"
#include "wire/frame.h"
#include "wire/relay_name.h"

#define PHONES_MAX	32
#define RECORDS_MAX	1000 /* of each phone */
#define REQUESTS_MAX	LINK_CLIENT_REQUESTS_MAX
#define DATAGRAM_LEN	100
#define BEAT_NS		UINT64_C(20000000)
#define RECORDS_AT_ONCE 2

struct phone;
struct scene;

/* A request that has not ended yet. */
struct asked {
	uint64_t request; /* 0: free */
	struct wire_splitter splitter;
	void (*answered)(struct phone *phone, struct asked *asked, struct bytes message);
};

struct phone {
	struct scene *scene;
	uint32_t index;
	struct link_client *client;
	struct os_udp *udp;
	struct os_timer deadline;
	struct os_timer beat;
	uint64_t beat_at_ns;
	struct os_timer again;
	struct asked asked[REQUESTS_MAX];
	bool up;
	bool appending;
	bool watching;
	uint32_t acknowledged; /* records of its own, in order */
	uint32_t appends;      /* requests, again included */
	uint64_t next_sequence;
	uint8_t running[WIRE_HASH_LEN];
	uint8_t incarnation[WIRE_INCARNATION_LEN];
	uint32_t seen; /* different records of all phones */
	uint32_t twice;
	uint32_t forged; /* batches that do not verify or do not continue what was read */
	uint8_t *marks;	 /* by phone and number: seen so often */
	bool in_room;
	uint8_t room;
	uint32_t datagrams_sent;
	uint32_t datagrams_refused;
	uint32_t datagrams_received;
	uint64_t last_heard_ns;
	uint64_t longest_gap_ns;
};

struct scene {
	struct os_loop *loop;
	struct link_address relay;
	struct wire_relay_name name;
	uint8_t network[WIRE_HASH_LEN];
	uint8_t access_key[WIRE_KEY_LEN];
	uint8_t append_token[WIRE_TOKEN_LEN];
	uint8_t read_token[WIRE_TOKEN_LEN];
	uint8_t room_token[WIRE_TOKEN_LEN];
	uint32_t phone_count;
	uint32_t record_count; /* of each phone */
	uint64_t talk_until_ns;
	struct phone phones[PHONES_MAX];
	bool founded;
	const char *problem; /* NULL: none yet */
};

/* Connects: the first phone by the claim if founding, else all by the access key. */
MUST_USE enum sotto_err phone_start(struct scene *scene, uint32_t index, bool founding);
void phone_stop(struct phone *phone);

/* Asks for something; answered gets every message of the answer. */
MUST_USE enum sotto_err phone_ask(struct phone *phone, const struct wire_type *type,
				  const void *message,
				  void (*answered)(struct phone *phone, struct asked *asked,
						   struct bytes message));

/* Sends what the link has to send and sets its timer. */
void phone_pump(struct phone *phone);

/* What a phone does once its link is up (work.c). */
void work_begin(struct phone *phone);
void work_stop(struct phone *phone);
void work_ended(struct phone *phone, const struct asked *asked);
void work_beat(struct phone *phone, uint64_t now_ns);
void work_heard(struct phone *phone, struct bytes datagram);
void work_found(struct phone *phone);

/* Has it seen and sent everything? */
bool work_done(const struct phone *phone);

#endif
