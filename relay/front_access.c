/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of the access state, one at a time, and what they mean for links that are up.
 *
 *   request -> next state -> access_save -> saved -> generation kept -> in force -> links reviewed
 *
 * After a new key each link has RELAY_PROVE_MS to prove it; a link that does not falls to catch-up, one
 * that was the claim's is closed, and a porch link with a replaced key too.
 */
#include <string.h>

#include "base/assert.h"
#include "relay/front_state.h"

#define MS_NS UINT64_C(1000000)

enum sotto_err front_access_publish(struct relay_front *front)
{
	struct link_key live[LINK_KEYS_LIVE_MAX];
	struct link_key past[LINK_KEYS_PAST_MAX];
	size_t live_count;
	size_t past_count;
	enum sotto_err err;

	relay_access_link_keys(&front->access, live, &live_count, past, &past_count);
	err = link_server_set_keys(front->server, live, live_count, past, past_count);
	bytes_wipe(live, sizeof(live));
	bytes_wipe(past, sizeof(past));
	return err;
}

static enum sotto_err compute(struct relay_front *front, struct bytes request)
{
	union {
		struct wire_found found;
		struct wire_key_install install;
		struct wire_admins_change admins;
		struct wire_porch_install porch;
	} message;
	struct relay_access *next = &front->next;
	enum sotto_err err = SOTTO_ERR_FORMAT;

	switch (request.data[0]) {
	case wire_number_found:
		if (wire_found_decode(request, &message.found) == SOTTO_OK)
			err = relay_access_found(&front->access, &message.found, next);
		break;
	case wire_number_key_install:
		if (wire_key_install_decode(request, &message.install) == SOTTO_OK)
			err = relay_access_install(&front->access, &message.install, front->utc_ms,
						   next);
		break;
	case wire_number_admins_change:
		if (wire_admins_change_decode(request, &message.admins) == SOTTO_OK)
			err = relay_access_admins(&front->access, &message.admins, next);
		break;
	case wire_number_porch_install:
		if (wire_porch_install_decode(request, &message.porch) == SOTTO_OK)
			err = relay_access_porch(&front->access, &message.porch, next);
		break;
	default:
		break;
	}
	bytes_wipe(&message, sizeof(message));
	return err;
}

static enum wire_status change_status(enum sotto_err err)
{
	if (err == SOTTO_ERR_TOO_OLD || err == SOTTO_ERR_STATE)
		return WIRE_STATUS_STALE;
	return err == SOTTO_ERR_DENIED ? WIRE_STATUS_REFUSED : WIRE_STATUS_MALFORMED;
}

void front_access_change(struct relay_front *front, struct front_link *link, uint64_t stream,
			 struct bytes request)
{
	uint8_t encoded[WIRE_ACCESS_STATE_MAX];
	struct wire_access_save save = {0};
	struct writer writer;
	enum sotto_err err;

	if (front->next.generation != 0) {
		front_answer_done(front, link->id, stream, WIRE_STATUS_BUSY, 1000);
		return;
	}
	err = compute(front, request);
	if (err != SOTTO_OK) {
		front_answer_done(front, link->id, stream, change_status(err), 0);
		return;
	}
	front->change_link = link->id;
	front->change_stream = stream;
	writer_init_fixed(&writer, encoded, sizeof(encoded));
	err = relay_access_encode(&front->next, &writer);
	ASSERT(err == SOTTO_OK); /* the limits of the schema fit */
	save.ticket = front->next.generation;
	save.state = writer_bytes(&writer);
	front_to_store(front, &wire_access_save_type, &save);
	bytes_wipe(encoded, sizeof(encoded));
}

/* What the state in force means for one link. */
static void review(struct relay_front *front, struct front_link *link)
{
	enum wire_authority authority =
		relay_access_authority(&front->access, link->kind, link->number);

	if (authority == link->authority && link->authority != WIRE_AUTHORITY_CATCH_UP)
		return;
	if (link->prove_at_ns != LINK_NEVER || link->authority == WIRE_AUTHORITY_CATCH_UP)
		return; /* its time runs already, or it fell before */
	if (link->kind == LINK_KEY_PORCH)
		link->prove_at_ns = front->now_ns; /* nothing that it could prove */
	else
		link->prove_at_ns = front->now_ns + RELAY_PROVE_MS * MS_NS;
	if (link->prove_at_ns < front->prove_at_ns)
		front->prove_at_ns = link->prove_at_ns;
}

static void review_all(struct relay_front *front)
{
	for (size_t i = 0; i < FRONT_BUCKETS; i++) {
		list_for_each (place, next, &front->links[i])
			review(front, CONTAINER_OF(place, struct front_link, place));
	}
}

static void finish_change(struct relay_front *front, enum wire_status status)
{
	relay_access_wipe(&front->next);
	front_answer_done(front, front->change_link, front->change_stream, status, 0);
}

void front_access_saved(struct relay_front *front, uint8_t status)
{
	enum sotto_err err;

	if (status != 0) {
		finish_change(front, WIRE_STATUS_FAILED);
		return;
	}
	err = front->config.events.keep_generation(front->config.events.context,
						   front->next.generation);
	if (front->failure == SOTTO_OK)
		front->failure = err;
}

void front_access_kept(struct relay_front *front)
{
	enum sotto_err err;

	front->access = front->next;
	err = front_access_publish(front);
	if (front->failure == SOTTO_OK)
		front->failure = err;
	review_all(front);
	finish_change(front, err == SOTTO_OK ? WIRE_STATUS_OK : WIRE_STATUS_FAILED);
}

void front_access_prove(struct relay_front *front, struct front_link *link, uint64_t stream,
			const struct wire_key_prove *prove)
{
	uint8_t exporter[LINK_EXPORTER_LEN];

	if (link_server_exporter(front->server, link->id, exporter) != SOTTO_OK)
		return;
	if (prove->number != relay_access_number(&front->access)) {
		front_answer_done(front, link->id, stream, WIRE_STATUS_STALE, 0);
	} else if (!relay_access_proves(&front->access, prove, exporter)) {
		front_answer_done(front, link->id, stream, WIRE_STATUS_REFUSED, 0);
	} else {
		link->kind = LINK_KEY_ACCESS;
		link->number = prove->number;
		link->prove_at_ns = LINK_NEVER;
		front_link_set_authority(front, link, WIRE_AUTHORITY_FULL);
		front_answer_done(front, link->id, stream, WIRE_STATUS_OK, 0);
	}
	bytes_wipe(exporter, sizeof(exporter));
}

/* Its time to prove the newest key is over. */
static void fall(struct relay_front *front, struct front_link *link)
{
	enum wire_authority authority =
		relay_access_authority(&front->access, link->kind, link->number);

	link->prove_at_ns = LINK_NEVER;
	if (authority == WIRE_AUTHORITY_NONE)
		link_server_close(front->server, link->id, front->now_ns);
	else
		front_link_set_authority(front, link, authority);
}

/* Closing a link takes it out of its bucket, which the walk bears. */
static void fall_all(struct relay_front *front)
{
	front->prove_at_ns = LINK_NEVER;
	for (size_t i = 0; i < FRONT_BUCKETS; i++) {
		list_for_each (place, next, &front->links[i]) {
			struct front_link *link = CONTAINER_OF(place, struct front_link, place);

			if (link->prove_at_ns <= front->now_ns)
				fall(front, link);
			else if (link->prove_at_ns < front->prove_at_ns)
				front->prove_at_ns = link->prove_at_ns;
		}
	}
}

void front_access_deadline(struct relay_front *front)
{
	enum sotto_err err;

	if (front->now_ns >= front->prove_at_ns)
		fall_all(front);
	if (front->now_ns < front->expire_at_ns)
		return;
	relay_access_expire(&front->access, front->utc_ms);
	err = front_access_publish(front);
	if (front->failure == SOTTO_OK)
		front->failure = err;
	front->expire_at_ns = front->now_ns + RELAY_HOUR_MS * MS_NS;
}
