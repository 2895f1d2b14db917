/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A phone's link in whole networks: what the phone's link process does with link_client, behind one interface
 * that two programs implement.
 *
 *   line_message.c   one event for a whole message; stands in for link_client, link_server and all below. For
 *                    days of many phones: a real link has a packet every 2 s.
 *   line_packet.c    the released link_client and link_server over sim/quic and sim/net, packet by packet.
 *
 * Streams do not wait for each other in either, so requests overtake one another as they do over QUIC.
 */
#ifndef SIM_LINE_H
#define SIM_LINE_H

#include "link/link_key.h"
#include "sim/clock.h"
#include "sim/random.h"
#include "talk/talk.h"

struct relay_front;
struct sim_line;
struct sim_switch;

/* What the network between one phone and the relay does, both ways. All zero: at once. */
struct sim_line_faults {
	uint64_t delay_ns;
	uint64_t jitter_ns; /* uniform, on top */
	uint32_t loss_ppm;
	uint32_t duplicate_ppm;
	uint64_t bytes_per_second; /* 0: no limit */
	bool cut;
};

struct sim_line_events {
	/* The relay proved itself; exporter has LINK_EXPORTER_LEN bytes, clock_offset_ms is its clock minus the phone's. */
	void (*up)(void *context, const uint8_t *exporter, int64_t clock_offset_ms);
	/* It was up. */
	void (*down)(void *context);
	/* One whole message; empty with last: only the end. */
	void (*reply)(void *context, uint64_t ticket, struct bytes message, bool last);
	/* No more will come, and no end was announced. */
	void (*end)(void *context, uint64_t ticket);
	/* The wall clock there. */
	uint64_t (*utc_ms)(void *context);
	void *context;
};

struct sim_line_counts {
	uint64_t messages, bytes;
	uint64_t lost, duplicated; /* messages here, packets there */
	uint64_t links, refused;   /* came up; got no answer */
};

/* The relay's side of all lines. One in a program. clock is borrowed, random copied. */
struct sim_switch *sim_switch_create(struct sim_clock *clock, const struct sim_random *random);
void sim_switch_destroy(struct sim_switch *hub);

/* This front serves from now on; NULL: the relay is off, and nobody is told. settle: after each call into
 * the front. */
void sim_switch_serve(struct sim_switch *hub, struct relay_front *front, uint64_t utc_ms_offset,
		      void (*settle)(void *context), void *context);
/* After any call into the front from elsewhere. */
void sim_switch_pump(struct sim_switch *hub);
/* Whose message the front is dealing with; UINT32_MAX: nobody's. What an operator knows who lies to some. */
uint32_t sim_switch_current(const struct sim_switch *hub);
struct sim_line_counts sim_switch_counts(const struct sim_switch *hub);

/* number names the phone; events.context outlives the line. */
struct sim_line *sim_line_create(struct sim_switch *hub, uint32_t number,
				 const struct sim_line_events *events);
void sim_line_destroy(struct sim_line *line);

/* Dials, and dials again with growing pauses, until it is up or closed; copies keys. */
void sim_line_dial(struct sim_line *line, const struct talk_link *keys);
/* No event comes of it. goodbye: the relay hears of it. */
void sim_line_close(struct sim_line *line, bool goodbye);
bool sim_line_wanted(const struct sim_line *line); /* dialled and not closed */
bool sim_line_up(const struct sim_line *line);
enum link_key_kind sim_line_kind(const struct sim_line *line); /* of the key that opened it */

/* Tickets are not used twice while a line is up. */
void sim_line_request(struct sim_line *line, uint64_t ticket, struct bytes request);
void sim_line_cancel(struct sim_line *line, uint64_t ticket);

void sim_line_set_faults(struct sim_line *line, const struct sim_line_faults *faults);
struct sim_line_faults sim_line_get_faults(const struct sim_line *line);

#endif
