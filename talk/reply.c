/* SPDX-License-Identifier: Apache-2.0 */
/* The relay's answers, by ticket: one table line for each kind of question. */
#include <string.h>

#include "talk/access.h"
#include "talk/marks.h"
#include "talk/state.h"

/* A relay without room, or in other trouble, is tried again after 2, 4, 8, then each 16 s. */
#define TROUBLE_TRIES_MAX 4

static struct talk_out *out_find(struct talk_group *group, uint64_t number)
{
	list_for_each (element, following, &group->outbox) {
		struct talk_out *out = CONTAINER_OF(element, struct talk_out, list);

		if (out->number == number)
			return out;
	}
	return NULL;
}

static struct talk_sent_parcel *parcel_find(struct talk *talk, uint64_t number)
{
	list_for_each (element, following, &talk->parcels) {
		struct talk_sent_parcel *sent =
			CONTAINER_OF(element, struct talk_sent_parcel, list);

		if (sent->number == number)
			return sent;
	}
	return NULL;
}

/* One more of them is durable. */
static bool records_stored(const struct talk *talk, struct talk_records *records, uint64_t ticket)
{
	if (ticket == 0 || records->ticket != ticket)
		return false;
	records->ticket = 0;
	records->stored++;
	records->stored_ns = talk->now_ns;
	return true;
}

/*
 * What was on its way when its epoch ended is in a past drop now, maybe behind what was read there: it is looked
 * at once more, for others have read it, and it stands in the order where it stands there.
 */
static void past_again(struct talk_group *group)
{
	for (size_t i = 1; group != NULL && i < group->drop_count; i++) {
		if (!group->drops[i].watched && group->drops[i].own_count > 0)
			group->drops[i].at_end = false;
	}
}

static enum sotto_err appended_receive(struct talk *talk, const struct talk_asked *asked,
				       const struct wire_appended *appended)
{
	struct talk_group *group = talk_group_by_number(talk, asked->group);
	struct talk_sent_parcel *sent;
	struct talk_giving *giving;
	struct talk_out *out;

	talk->full_ns = 0;
	talk->trouble_tries = 0;
	switch (asked->what) {
	case TALK_ASK_APPEND_OUT:
		out = group == NULL ? NULL : out_find(group, asked->number);
		if (out == NULL || !records_stored(talk, &out->records, asked->ticket)) {
			past_again(group);
			return SOTTO_OK;
		}
		return out->records.stored < out->records.count ? SOTTO_OK
								: talk_out_stored(talk, group, out);
	case TALK_ASK_APPEND_COMMIT:
		if (group != NULL)
			(void)records_stored(talk, &group->pending, asked->ticket);
		return SOTTO_OK;
	case TALK_ASK_APPEND_AGAIN:
		for (size_t i = 0; group != NULL && i < group->drop_count; i++) {
			if (records_stored(talk, &group->drops[i].commit, asked->ticket))
				group->dirty = true;
		}
		return SOTTO_OK;
	case TALK_ASK_APPEND_PARCEL:
		sent = parcel_find(talk, asked->number);
		if (sent != NULL)
			(void)records_stored(talk, &sent->records, asked->ticket);
		return SOTTO_OK;
	case TALK_ASK_APPEND_SHEAF:
		giving = talk_giving_find(talk, asked->number);
		if (giving != NULL)
			(void)records_stored(talk, &giving->records, asked->ticket);
		return SOTTO_OK;
	case TALK_ASK_APPEND_MARKS:
		return talk_read_marks_told(talk, asked->ticket);
	case TALK_ASK_APPEND_LETTER:
		talk_taking_told(talk, asked->ticket, true);
		return SOTTO_OK;
	case TALK_ASK_APPEND_FILE:
		talk_file_appended(talk, asked, appended);
		return SOTTO_OK;
	case TALK_ASK_APPEND_PETITION:
		talk->petition_stored = true;
		return SOTTO_OK;
	case TALK_ASK_APPEND_PLEA:
		talk->everyone->asked_ms = talk->utc_ms;
		talk->everyone->dirty = true;
		return SOTTO_OK;
	case TALK_ASK_APPEND_BRANCH:
		talk_fork_told(talk, asked->ticket, true);
		return SOTTO_OK;
	case TALK_ASK_HELLO:
	case TALK_ASK_FOUND:
	case TALK_ASK_READ:
	case TALK_ASK_WATCH:
	case TALK_ASK_TRIM:
	case TALK_ASK_INSTALL:
	case TALK_ASK_PROVE:
		break;
	}
	return SOTTO_OK;
}

/*
 * In *everyone* somebody says something each hour, and what was read is noted as often. Where for longer nobody has, perhaps
 * all others have left, and what leads to them is lost.
 */
static void missing_doubt(struct talk *talk, struct talk_group *group, const struct talk_drop *drop)
{
	if (group == NULL || group != talk->everyone || drop != &group->drops[0] ||
	    group->read_ms == 0 || talk->utc_ms <= group->read_ms + 3 * TALK_SILENCE_MS)
		return;
	talk_fork_doubt(talk, group);
	group->lost_ns = talk->now_ns;
	talk_read_note(talk, group, drop);
}

/* "Not found" is the end of a drop that nobody has written to, or one that the relay lost. */
static enum sotto_err drop_missing(struct talk *talk, const struct talk_asked *asked)
{
	struct talk_group *group;
	struct talk_drop *drop = talk_drop_find(talk, asked->drop, &group);

	if (drop == NULL)
		return SOTTO_OK;
	drop->at_end = true;
	drop->read_ns = talk->now_ns;
	if (!drop->known) {
		missing_doubt(talk, group, drop);
		return SOTTO_OK;
	}
	return talk_drop_lost(talk, group, drop);
}

/*
 * Several requests wait, and one at a time would come through: so none is tried at once. Nor, each two seconds, are all
 * that wait behind a relay which takes none.
 */
static void trouble_wait(struct talk *talk, uint64_t least_ms)
{
	uint64_t wait_ms;

	/* Once for all that was asked at a time. */
	if (talk->trouble_tries == 0 ||
	    (talk->now_ns >= talk->retry_ns && talk->trouble_tries < TROUBLE_TRIES_MAX))
		talk->trouble_tries++;
	wait_ms = TALK_RETRY_MS << (talk->trouble_tries - 1);
	if (wait_ms < least_ms)
		wait_ms = least_ms;
	talk->retry_ns = talk->now_ns + wait_ms * TALK_MS;
}

static enum sotto_err done_receive(struct talk *talk, struct talk_asked *asked,
				   const struct wire_done *done)
{
	asked->refused = done->status != WIRE_STATUS_OK && done->status != WIRE_STATUS_NOT_FOUND;

	if (asked->what == TALK_ASK_HELLO || asked->what == TALK_ASK_INSTALL ||
	    asked->what == TALK_ASK_PROVE) {
		talk_access_done(talk, asked, done);
		return SOTTO_OK;
	}
	switch (done->status) {
	case WIRE_STATUS_OK:
		return asked->what == TALK_ASK_FOUND ? talk_found_done(talk) : SOTTO_OK;
	case WIRE_STATUS_NOT_FOUND:
		return drop_missing(talk, asked);
	case WIRE_STATUS_FULL:
		talk->full_ns = talk->now_ns;
		break;
	case WIRE_STATUS_REFUSED:
		talk_problem_set(talk, TALK_PROBLEM_REFUSED, true);
		talk_access_doubt(talk);
		break;
	default:
		break;
	}
	trouble_wait(talk, done->retry_ms);
	return SOTTO_OK;
}

static enum sotto_err message_receive(struct talk *talk, struct talk_asked *asked,
				      struct bytes message)
{
	const struct wire_type *type = wire_identify(WIRE_FAMILY_RELAY, message);
	union {
		struct wire_batch batch;
		struct wire_done done;
		struct wire_link_state state;
		struct wire_appended appended;
	} body;

	if (type == &wire_batch_type && wire_decode(type, message, &body.batch) == SOTTO_OK)
		return memcmp(body.batch.drop, asked->drop, WIRE_HASH_LEN) == 0
			       ? talk_batch_read(talk, &body.batch, asked)
			       : SOTTO_OK;
	if (type == &wire_done_type && wire_decode(type, message, &body.done) == SOTTO_OK)
		return done_receive(talk, asked, &body.done);
	if (type == &wire_link_state_type && wire_decode(type, message, &body.state) == SOTTO_OK)
		return talk_access_state(talk, &body.state);
	if (type == &wire_appended_type && wire_decode(type, message, &body.appended) == SOTTO_OK)
		return appended_receive(talk, asked, &body.appended);
	return SOTTO_OK;
}

/* Whatever the question was for is free to be asked again. */
static void asked_end(struct talk *talk, const struct talk_asked *asked, bool complete)
{
	struct talk_group *group;
	struct talk_drop *drop = talk_drop_find(talk, asked->drop, &group);
	struct talk_giving *giving = talk_giving_find(talk, asked->number);
	struct talk_sent_parcel *sent;
	struct talk_out *out;

	if (drop != NULL && drop->ticket == asked->ticket) {
		drop->ticket = 0;
		drop->watched = false;
		/* A watch that ended has missed what came since. */
		drop->at_end = asked->what == TALK_ASK_READ && complete && !asked->refused;
		drop->read_ns = talk->now_ns;
	}
	group = talk_group_by_number(talk, asked->group);
	if (group != NULL && group->pending.ticket == asked->ticket)
		group->pending.ticket = 0;
	for (size_t i = 0; group != NULL && i < group->drop_count; i++) {
		if (group->drops[i].commit.ticket == asked->ticket)
			group->drops[i].commit.ticket = 0;
	}
	out = group == NULL ? NULL : out_find(group, asked->number);
	if (out != NULL && out->records.ticket == asked->ticket)
		out->records.ticket = 0;
	sent = parcel_find(talk, asked->number);
	if (sent != NULL && sent->records.ticket == asked->ticket)
		sent->records.ticket = 0;
	if (giving != NULL && giving->records.ticket == asked->ticket)
		giving->records.ticket = 0;
	talk_taking_told(talk, asked->ticket, false);
	talk_fork_told(talk, asked->ticket, false);
	talk_read_marks_untold(talk, asked->ticket);
	talk_files_end(talk, asked->ticket);
	if (talk->petition_ticket == asked->ticket)
		talk->petition_ticket = 0;
	if (talk->plea_ticket == asked->ticket)
		talk->plea_ticket = 0;
	if (talk->key_ticket == asked->ticket)
		talk->key_ticket = 0;
	if (asked->what == TALK_ASK_FOUND)
		talk->asked_found = false;
}

/* A copy, because handling an answer may cancel the question. */
static enum sotto_err reply_receive(struct talk *talk, uint64_t ticket, struct bytes message,
				    bool last, bool complete)
{
	struct talk_asked *found = talk_asked_find(talk, ticket);
	struct talk_asked asked;
	enum sotto_err err = SOTTO_OK;

	if (found == NULL)
		return SOTTO_OK;
	found->answers++;
	asked = *found;
	if (message.len > 0)
		err = message_receive(talk, &asked, message);
	found = talk_asked_find(talk, ticket);
	if (err != SOTTO_OK || found == NULL)
		return err;
	found->refused = asked.refused;
	if (!last)
		return SOTTO_OK;
	asked_end(talk, &asked, complete);
	talk_asked_drop(talk, found);
	return SOTTO_OK;
}

enum sotto_err talk_reply(struct talk *talk, uint64_t ticket, struct bytes message, bool last,
			  uint64_t now_ns, uint64_t utc_ms)
{
	enum sotto_err err = talk_step_begin(talk, now_ns, utc_ms);

	if (err != SOTTO_OK)
		return err;
	return talk_step_end(talk, reply_receive(talk, ticket, message, last, true));
}

enum sotto_err talk_end(struct talk *talk, uint64_t ticket, uint64_t now_ns, uint64_t utc_ms)
{
	enum sotto_err err = talk_step_begin(talk, now_ns, utc_ms);

	if (err != SOTTO_OK)
		return err;
	/* Not at once again: a relay that ends requests so is in trouble. */
	if (talk_asked_find(talk, ticket) != NULL) {
		trouble_wait(talk, 0);
		talk_access_doubt(talk);
	}
	return talk_step_end(talk, reply_receive(talk, ticket, BYTES_NONE, true, false));
}
