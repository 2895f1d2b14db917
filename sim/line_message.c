/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The phone's end of message-level links, and the way between both ends.
 *
 *   closed -> pause -> dialling --proof--> up --cut or relay gone for 4.5 s--> pause, longer each time
 *
 * A lost message is one that QUIC sends again: it comes 300 ms later, or 600. One that meets a cut waits until
 * the cut is over or the link is given up.
 */
#include <string.h>

#include "base/assert.h"
#include "crypto/sign.h"
#include "relay/front.h"
#include "sim/line_message.h"
#include "wire/frame.h"

#define PAUSE_MIN_MS UINT64_C(1000)
#define PAUSE_MAX_MS UINT64_C(15000)
#define AGAIN_NS     (300 * SIM_MILLISECOND)
#define LOST_NS	     ((LINK_KEEPALIVE_MS + LINK_DEAD_MS) * SIM_MILLISECOND)
#define OVERHEAD     64 /* bytes of a packet around what it carries */

struct sim_switch *sim_switch_create(struct sim_clock *clock, const struct sim_random *random)
{
	struct sim_switch *hub = allocator_take_zeroed(&allocator_default, 1, sizeof(*hub));

	ASSERT(hub != NULL);
	hub->clock = clock;
	hub->random = *random;
	hub->current = UINT32_MAX;
	list_init(&hub->lines);
	return hub;
}

void sim_switch_destroy(struct sim_switch *hub)
{
	ASSERT(hub == NULL || list_empty(&hub->lines));
	if (hub != NULL)
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

/* Messages leave by themselves. */
void sim_switch_pump(struct sim_switch *hub)
{
	(void)hub;
}

uint32_t sim_switch_current(const struct sim_switch *hub)
{
	return hub->current;
}

struct sim_line_counts sim_switch_counts(const struct sim_switch *hub)
{
	return hub->counts;
}

/* ---- The way ---- */

static void timer_set(struct sim_line *line, uint64_t delay_ns)
{
	enum sotto_err err = sim_clock_set(line->hub->clock, &line->timer,
					   sim_clock_now(line->hub->clock) + delay_ns);

	ASSERT(err == SOTTO_OK);
}

static void parcel_free(struct sim_parcel *parcel)
{
	sim_clock_cancel(parcel->line->hub->clock, &parcel->event);
	list_remove(&parcel->list);
	allocator_give(&allocator_default, parcel, sizeof(*parcel) + parcel->len);
}

static void parcels_drop(struct sim_line *line)
{
	list_for_each (element, following, &line->parcels)
		parcel_free(CONTAINER_OF(element, struct sim_parcel, list));
}

static bool to_relay(const struct sim_parcel *parcel)
{
	return parcel->kind < SIM_PARCEL_PROOF;
}

static void relay_receive(struct sim_line *line, struct sim_parcel *parcel)
{
	struct sim_switch *hub = line->hub;
	struct link_path path = {0};

	if (hub->front == NULL)
		return;
	hub->current = line->number;
	relay_front_receive(hub->front, &path, BYTES(&parcel, sizeof(parcel)),
			    sim_clock_now(hub->clock),
			    sim_clock_utc_ms(hub->clock) + hub->utc_ms_offset);
	hub->current = UINT32_MAX;
	hub->settle(hub->context);
}

static void phone_receive(struct sim_line *line, struct sim_parcel *parcel);

static void parcel_arrive(void *context)
{
	struct sim_parcel *parcel = context;
	struct sim_line *line = parcel->line;
	enum sotto_err err;

	if (line->faults.cut) {
		err = sim_clock_set(line->hub->clock, &parcel->event,
				    sim_clock_now(line->hub->clock) + AGAIN_NS);
		ASSERT(err == SOTTO_OK);
		return;
	}
	/* Out of the list: what it causes may end the line's link. */
	list_remove(&parcel->list);
	if (to_relay(parcel))
		relay_receive(line, parcel);
	else if (parcel->session == line->session_id)
		phone_receive(line, parcel);
	parcel_free(parcel);
}

static uint64_t travel(struct sim_line *line, bool up, size_t len)
{
	const struct sim_line_faults *faults = &line->faults;
	uint64_t now_ns = sim_clock_now(line->hub->clock);
	uint64_t *free_ns = up ? &line->up_ns : &line->down_ns;
	uint64_t at_ns = now_ns;

	if (faults->bytes_per_second > 0) {
		at_ns = *free_ns > now_ns ? *free_ns : now_ns;
		at_ns += (len + OVERHEAD) * SIM_SECOND / faults->bytes_per_second;
		*free_ns = at_ns;
	}
	at_ns += faults->delay_ns;
	if (faults->jitter_ns > 0)
		at_ns += sim_random_below(&line->random, faults->jitter_ns);
	for (uint64_t again_ns = AGAIN_NS;
	     sim_random_chance(&line->random, faults->loss_ppm) && again_ns < LOST_NS;
	     again_ns *= 2) {
		line->hub->counts.lost++;
		at_ns += again_ns;
	}
	return at_ns;
}

void sim_line_send(struct sim_line *line, enum sim_parcel_kind kind, uint64_t stream, bool fin,
		   struct bytes bytes, uint64_t *last_ns)
{
	struct sim_parcel *parcel =
		allocator_take_zeroed(&allocator_default, 1, sizeof(*parcel) + bytes.len);
	uint64_t at_ns;
	enum sotto_err err;

	ASSERT(parcel != NULL);
	parcel->line = line;
	parcel->kind = kind;
	parcel->session = line->session_id;
	parcel->stream = stream;
	parcel->fin = fin;
	parcel->len = bytes.len;
	if (bytes.len > 0)
		memcpy(parcel->data, bytes.data, bytes.len);
	parcel->event.run = parcel_arrive;
	parcel->event.context = parcel;
	list_append(&line->parcels, &parcel->list);
	line->hub->counts.messages++;
	line->hub->counts.bytes += bytes.len;
	at_ns = travel(line, to_relay(parcel), bytes.len);
	if (last_ns != NULL) {
		if (at_ns < *last_ns)
			at_ns = *last_ns;
		*last_ns = at_ns;
	}
	err = sim_clock_set(line->hub->clock, &parcel->event, at_ns);
	ASSERT(err == SOTTO_OK);
}

/* ---- The phone's end ---- */

static void session_leave(struct sim_line *line)
{
	if (line->session != NULL) {
		sim_session_gone(line->session, sim_clock_now(line->hub->clock));
		line->hub->settle(line->hub->context);
	}
	line->session = NULL;
	line->session_id = 0;
}

static void redial(struct sim_line *line, bool longer)
{
	parcels_drop(line);
	session_leave(line);
	line->state = SIM_LINE_PAUSE;
	timer_set(line, line->pause_ms * SIM_MILLISECOND);
	if (longer)
		line->pause_ms =
			line->pause_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : line->pause_ms * 2;
}

static void link_lost(struct sim_line *line)
{
	line->pause_ms = PAUSE_MIN_MS;
	redial(line, false);
	line->events.down(line->events.context);
}

static void timer_due(void *context)
{
	struct sim_line *line = context;
	uint64_t said_ms;

	switch (line->state) {
	case SIM_LINE_PAUSE:
		line->state = SIM_LINE_DIALLING;
		said_ms =
			line->events.utc_ms(line->events.context) + (uint64_t)line->clock_offset_ms;
		sim_line_send(line, SIM_PARCEL_HELLO, 0, false, BYTES(&said_ms, sizeof(said_ms)),
			      NULL);
		timer_set(line, LINK_HANDSHAKE_MS * SIM_MILLISECOND);
		break;
	case SIM_LINE_DIALLING:
		line->hub->counts.refused++;
		redial(line, true);
		break;
	case SIM_LINE_UP:
		link_lost(line);
		break;
	case SIM_LINE_CLOSED:
		break;
	}
}

struct sim_line *sim_line_create(struct sim_switch *hub, uint32_t number,
				 const struct sim_line_events *events)
{
	struct sim_line *line = allocator_take_zeroed(&allocator_default, 1, sizeof(*line));

	ASSERT(line != NULL);
	line->hub = hub;
	line->number = number;
	line->events = *events;
	sim_random_fork(&hub->random, number + UINT64_C(1), &line->random);
	line->timer.run = timer_due;
	line->timer.context = line;
	list_init(&line->parcels);
	list_append(&hub->lines, &line->list);
	return line;
}

void sim_line_destroy(struct sim_line *line)
{
	if (line == NULL)
		return;
	sim_line_close(line, false);
	parcels_drop(line);
	list_remove(&line->list);
	allocator_wipe(&allocator_default, line, sizeof(*line));
}

void sim_line_dial(struct sim_line *line, const struct talk_link *keys)
{
	sim_line_close(line, false);
	line->key_count = keys->key_count;
	for (size_t i = 0; i < keys->key_count; i++) {
		line->keys[i].kind = (enum link_key_kind)keys->keys[i].kind;
		line->keys[i].number = keys->keys[i].number;
		memcpy(line->keys[i].secret, keys->keys[i].secret, LINK_SECRET_LEN);
	}
	memcpy(line->relay_key, keys->relay_key, sizeof(line->relay_key));
	memcpy(line->network, keys->network, sizeof(line->network));
	line->pause_ms = PAUSE_MIN_MS;
	line->state = SIM_LINE_PAUSE;
	timer_set(line, SIM_MILLISECOND);
}

void sim_line_close(struct sim_line *line, bool goodbye)
{
	uint64_t session = line->session_id;
	bool was_up = line->state == SIM_LINE_UP;

	if (line->state == SIM_LINE_CLOSED)
		return;
	line->state = SIM_LINE_CLOSED;
	sim_clock_cancel(line->hub->clock, &line->timer);
	parcels_drop(line);
	session_leave(line);
	if (goodbye && was_up) {
		line->session_id = session;
		sim_line_send(line, SIM_PARCEL_GOODBYE, 0, true, BYTES_NONE, NULL);
		line->session_id = 0;
	}
}

bool sim_line_wanted(const struct sim_line *line)
{
	return line->state != SIM_LINE_CLOSED;
}

bool sim_line_up(const struct sim_line *line)
{
	return line->state == SIM_LINE_UP;
}

enum link_key_kind sim_line_kind(const struct sim_line *line)
{
	return line->opened.kind;
}

void sim_line_request(struct sim_line *line, uint64_t ticket, struct bytes request)
{
	if (line->state != SIM_LINE_UP)
		return;
	sim_line_send(line, SIM_PARCEL_REQUEST, ticket, true, request, NULL);
	if (request.data[0] == wire_number_append &&
	    sim_random_chance(&line->random, line->faults.duplicate_ppm)) {
		line->hub->counts.duplicated++;
		sim_line_send(line, SIM_PARCEL_REQUEST, ticket | SIM_STREAM_AGAIN, true, request,
			      NULL);
	}
}

void sim_line_cancel(struct sim_line *line, uint64_t ticket)
{
	/* Behind its request, if that is still under way. */
	uint64_t at_ns = 0;

	if (line->state != SIM_LINE_UP)
		return;
	list_for_each (element, following, &line->parcels) {
		const struct sim_parcel *parcel = CONTAINER_OF(element, struct sim_parcel, list);

		if (parcel->stream == ticket && to_relay(parcel) && parcel->event.when_ns > at_ns)
			at_ns = parcel->event.when_ns;
	}
	sim_line_send(line, SIM_PARCEL_CANCEL, ticket, true, BYTES_NONE, &at_ns);
}

static void proof_receive(struct sim_line *line, const struct sim_parcel *parcel)
{
	static const uint8_t no_network[LINK_NETWORK_ID_LEN];
	uint8_t message[LINK_PROOF_MESSAGE_LEN];
	struct sim_proof proof;

	memcpy(&proof, parcel->data, sizeof(proof));
	link_proof_message(proof.kind == LINK_KEY_CLAIM ? no_network : line->network,
			   proof.exporter, message);
	if (line->state != SIM_LINE_DIALLING ||
	    sign_verify(SIGN_ED25519, BYTES_OF(line->relay_key), BYTES_OF(message),
			BYTES_OF(proof.signature)) != SOTTO_OK)
		return;
	line->state = SIM_LINE_UP;
	line->pause_ms = PAUSE_MIN_MS;
	line->opened.kind = proof.kind;
	line->opened.number = proof.number;
	line->clock_offset_ms =
		(int64_t)proof.utc_ms - (int64_t)line->events.utc_ms(line->events.context);
	line->hub->counts.links++;
	sim_clock_cancel(line->hub->clock, &line->timer);
	line->events.up(line->events.context, proof.exporter, line->clock_offset_ms);
}

static void reply_receive(struct sim_line *line, const struct sim_parcel *parcel)
{
	struct bytes piece = BYTES(parcel->data, parcel->len);
	uint64_t id = line->session_id;
	struct wire_splitter splitter;
	struct bytes message;

	if (line->session != NULL) {
		struct sim_session *session = line->session;

		session->waiting -= parcel->len;
		if (session->room_wanted &&
		    session->waiting <= link_server_limits_default.reply_bytes / 2) {
			session->room_wanted = false;
			sim_line_send(line, SIM_PARCEL_ROOM, 0, false, BYTES_NONE, NULL);
		}
	}
	wire_splitter_init(&splitter, &allocator_default);
	/* What a message causes may end the link: then no more of it is heard. */
	while (line->session_id == id &&
	       wire_splitter_next(&splitter, &piece, &message) == SOTTO_OK)
		line->events.reply(line->events.context, parcel->stream, message,
				   parcel->fin && piece.len == 0);
	wire_splitter_finish(&splitter);
}

static void phone_receive(struct sim_line *line, struct sim_parcel *parcel)
{
	switch (parcel->kind) {
	case SIM_PARCEL_PROOF:
		proof_receive(line, parcel);
		break;
	case SIM_PARCEL_REPLY:
		if (line->state == SIM_LINE_UP)
			reply_receive(line, parcel);
		break;
	case SIM_PARCEL_REFUSED:
		if (line->state == SIM_LINE_UP && (parcel->stream & SIM_STREAM_AGAIN) == 0)
			line->events.end(line->events.context, parcel->stream);
		break;
	case SIM_PARCEL_CLOSED:
		if (line->state == SIM_LINE_UP)
			link_lost(line);
		break;
	case SIM_PARCEL_HELLO:
	case SIM_PARCEL_REQUEST:
	case SIM_PARCEL_CANCEL:
	case SIM_PARCEL_GOODBYE:
	case SIM_PARCEL_ROOM:
		break;
	}
}

void sim_line_orphan(struct sim_line *line)
{
	line->session = NULL;
	if (line->state == SIM_LINE_UP && line->timer.place == 0)
		timer_set(line, LOST_NS);
}

void sim_line_set_faults(struct sim_line *line, const struct sim_line_faults *faults)
{
	bool was_cut = line->faults.cut;

	line->faults = *faults;
	if (line->state != SIM_LINE_UP || was_cut == faults->cut)
		return;
	if (faults->cut && line->timer.place == 0)
		timer_set(line, LOST_NS);
	if (!faults->cut && line->session != NULL)
		sim_clock_cancel(line->hub->clock, &line->timer);
}

struct sim_line_faults sim_line_get_faults(const struct sim_line *line)
{
	return line->faults;
}
