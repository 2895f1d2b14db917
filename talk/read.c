/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch of a drop: is it the relay's word, does it follow what we have, and then record by record.
 * Nothing that a relay sends is an error of the program's: what does not fit is left, and shown.
 */
#include <string.h>

#include "talk/clean.h"
#include "talk/state.h"

struct talk_drop *talk_drop_find(struct talk *talk, const uint8_t *name, struct talk_group **group)
{
	*group = NULL;
	if (memcmp(talk->inbox.name, name, WIRE_HASH_LEN) == 0)
		return &talk->inbox;
	if (memcmp(talk->porch.name, name, WIRE_HASH_LEN) == 0)
		return &talk->porch;
	if (talk->taking != NULL && memcmp(talk->taking->drop.name, name, WIRE_HASH_LEN) == 0)
		return &talk->taking->drop;
	if (talk->fetch != NULL && memcmp(talk->fetch->drop.name, name, WIRE_HASH_LEN) == 0)
		return &talk->fetch->drop;
	list_for_each (element, following, &talk->groups) {
		*group = CONTAINER_OF(element, struct talk_group, list);
		for (size_t i = 0; i < (*group)->drop_count; i++) {
			if (memcmp((*group)->drops[i].name, name, WIRE_HASH_LEN) == 0)
				return &(*group)->drops[i];
		}
	}
	*group = NULL;
	return NULL;
}

const uint8_t *talk_relay_key(const struct talk *talk, struct ledger_invitation *invitation)
{
	const struct ledger_found *found = ledger_founding(talk->ledger);

	if (found != NULL)
		return found->relay_key;
	if (wire_decode(&ledger_invitation_type, talk_blob_bytes(&talk->invitation), invitation) !=
	    SOTTO_OK)
		return NULL;
	return invitation->relay_key;
}

static bool batch_signed(const struct talk *talk, const struct wire_batch *batch)
{
	struct ledger_invitation invitation;
	const uint8_t *key = talk_relay_key(talk, &invitation);
	bool verified = key != NULL && wire_batch_verify(batch, key) == SOTTO_OK;

	bytes_wipe(&invitation, sizeof(invitation));
	return verified;
}

/* They have reached the end of their time, and the commit may have been among them. */
static enum sotto_err records_gone(struct talk *talk, struct talk_group *group,
				   struct talk_drop *drop)
{
	uint64_t until_ms =
		talk->utc_ms < talk->retention_ms ? 0 : talk->utc_ms - talk->retention_ms;
	enum sotto_err err = SOTTO_OK;

	if (group == NULL)
		return SOTTO_OK;
	/* In a group that we have just come into nothing was for us before. */
	if (group->kind != TALK_EVERYONE && group->read_ms != 0 && until_ms > group->read_ms) {
		TRY(talk_missing_put(talk, group, drop, group->read_ms, until_ms));
		group->read_ms = until_ms;
	}
	if (drop == &group->drops[0])
		err = talk_stand_still(talk, group, TALK_STUCK_GAP);
out:
	return err;
}

/* This one too, if it is a present one; of those that were never read nothing else shows that they were lost. */
static enum sotto_err unread_lost(struct talk *talk)
{
	enum sotto_err err = SOTTO_OK;

	list_for_each (element, following, &talk->groups) {
		struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		if (!group->drops[0].known && !group->entered)
			TRY(talk_life_lost(talk, group));
	}
out:
	return err;
}

/*
 * The relay lost this drop: what we put there and others may not have is sent again, and the new one is
 * read from its beginning.
 */
enum sotto_err talk_drop_lost(struct talk *talk, struct talk_group *group, struct talk_drop *drop)
{
	enum sotto_err err = SOTTO_OK;

	if (!talk_relay_lost(talk))
		talk_packages_lost(talk);
	talk_proposals_lost(talk);
	talk_problem_set(talk, TALK_PROBLEM_LOST, true);
	talk_drop_restart(drop);
	if (drop == &talk->inbox)
		talk->inbox_trimmed = 0;
	talk->dirty = true;
	TRY(unread_lost(talk));
	if (talk->fetch != NULL && drop == &talk->fetch->drop) {
		talk_fetch_restart(talk);
		return SOTTO_OK;
	}
	if (group == NULL) {
		if (talk->taking != NULL && drop == &talk->taking->drop)
			talk_taking_lost(talk);
		else
			talk->petition_stored = false;
		return SOTTO_OK;
	}
	group->dirty = true;
	talk_fork_doubt(talk, group);
	/* Whoever was off has not read that his messages came, either, and what he says again opens for nobody twice. */
	TRY(talk_texts_doubt(talk, group));
	/* After so long it is not lost: its time was over. */
	if (group->read_ms != 0 && talk->utc_ms > group->read_ms + talk->retention_ms)
		TRY(records_gone(talk, group, drop));
	if (drop == &group->drops[0]) {
		group->pending.stored = 0;
		group->pending.ticket = 0;
		TRY(talk_parts_forget(talk, group));
		TRY(talk_records_own(talk, drop, &group->pending, NULL));
	}
	drop->commit.stored = 0;
	drop->commit.ticket = 0;
	TRY(talk_records_own(talk, drop, &drop->commit, NULL));
	err = talk_out_again(talk, group, drop->epoch);
out:
	return err;
}

/* This answer leads nowhere: the drop is read again from our own position. */
static enum sotto_err drop_again(struct talk *talk, struct talk_drop *drop)
{
	uint64_t ticket = drop->ticket;

	drop->ticket = 0;
	drop->at_end = drop->watched = false;
	return talk_cancel(talk, ticket);
}

/*
 * What it serves is not what it served before: it was set back to an old copy, or shows different phones different
 * things. It is accused of that for good, and the drop is one that it lost: read from its beginning, and what we put
 * there and others may not have goes there again. Not more often than this, for it may change again and again.
 */
static enum sotto_err drop_contradicts(struct talk *talk, struct talk_group *group,
				       struct talk_drop *drop)
{
	enum sotto_err err = SOTTO_OK;

	talk_problem_set(talk, TALK_PROBLEM_CONTRADICTION, true);
	drop->again_ns = talk->now_ns + TALK_POLL_MS * TALK_MS;
	TRY(drop_again(talk, drop));
	err = talk_drop_lost(talk, group, drop);
out:
	return err;
}

/*
 * Makes the drop's position that of the batch. In the first answer to a read from our position a later beginning
 * means that what was between has reached the end of its time; anywhere else, that something was left out. An
 * earlier one means that the relay has less than it served.
 */
static enum sotto_err batch_place(struct talk *talk, struct talk_group *group,
				  struct talk_drop *drop, const struct wire_batch *batch,
				  const struct talk_asked *asked, bool *usable)
{
	bool first = asked->what == TALK_ASK_READ && asked->answers == 1;
	enum sotto_err err = SOTTO_OK;

	*usable = false;
	if (drop->known &&
	    memcmp(drop->incarnation, batch->incarnation, WIRE_INCARNATION_LEN) != 0) {
		TRY(talk_drop_lost(talk, group, drop));
		if (batch->before_sequence != 0)
			return drop_again(talk, drop);
	}
	if (!drop->known) {
		drop->known = true;
		memcpy(drop->incarnation, batch->incarnation, WIRE_INCARNATION_LEN);
		wire_running_start(drop->name, drop->incarnation, drop->running);
	}
	if (batch->before_sequence > drop->sequence) {
		if (!first)
			return drop_again(talk, drop);
		drop->sequence = batch->before_sequence;
		TRY(records_gone(talk, group, drop));
		memcpy(drop->running, batch->before_hash, WIRE_HASH_LEN);
	}
	/* Not an answer from before the drop began anew. */
	if (first && batch->before_sequence < asked->from && asked->from <= drop->sequence)
		return drop_contradicts(talk, group, drop);
	if (batch->before_sequence < drop->sequence) {
		/* A read and a watch overlap: what is new comes again, from our position. */
		return batch->end_sequence > drop->sequence ? drop_again(talk, drop) : SOTTO_OK;
	}
	if (memcmp(drop->running, batch->before_hash, WIRE_HASH_LEN) != 0)
		return drop_contradicts(talk, group, drop);
	*usable = true;
out:
	return err;
}

/* Until when nothing is missing, by the wall clock and about. */
void talk_read_note(const struct talk *talk, struct talk_group *group, const struct talk_drop *drop)
{
	if (group == NULL || drop != &group->drops[0] || group->stuck != TALK_STUCK_NO ||
	    (talk->utc_ms >= group->read_ms && talk->utc_ms - group->read_ms < TALK_SILENCE_MS))
		return;
	group->read_ms = talk->utc_ms;
	group->dirty = true;
}

static enum sotto_err record_dispatch(struct talk *talk, struct talk_group *group,
				      struct talk_drop *drop, struct bytes record)
{
	if (group != NULL)
		return talk_record_receive(talk, group, drop, record);
	if (talk->fetch != NULL && drop == &talk->fetch->drop)
		return talk_fetch_receive(talk, record);
	if (drop == &talk->inbox)
		return talk_inbox_receive(talk, record);
	return drop == &talk->porch ? talk_porch_receive(talk, record)
				    : talk_taking_receive(talk, record);
}

enum sotto_err talk_batch_read(struct talk *talk, const struct wire_batch *batch,
			       const struct talk_asked *asked)
{
	struct wire_cursor cursor = wire_list_walk(&batch->records);
	struct talk_group *group;
	struct talk_drop *drop = talk_drop_find(talk, batch->drop, &group);
	struct wire_record record;
	bool usable;
	enum sotto_err err = SOTTO_OK;

	if (drop == NULL)
		return SOTTO_OK;
	if (!batch_signed(talk, batch)) {
		drop->unsigned_batch = true;
		talk->retry_ns = talk->now_ns + TALK_RETRY_MS * TALK_MS;
		return drop_again(talk, drop);
	}
	TRY(batch_place(talk, group, drop, batch, asked, &usable));
	if (!usable)
		return SOTTO_OK;
	if (group != NULL && batch->records.count > 0)
		talk_word_keep(group, batch);
	while (wire_record_next(&cursor, &record)) {
		drop->sequence++;
		wire_running_next(drop->running, record.sealed);
		if (group != NULL) {
			talk_word_heard(talk, drop);
			group->dirty = true;
		}
		TRY(record_dispatch(talk, group, drop, record.sealed));
		/* A commit moves drops, a parcel replaces the landing by the inbox. */
		drop = talk_drop_find(talk, batch->drop, &group);
		if (drop == NULL || talk->state > TALK_MEMBER)
			return SOTTO_OK;
	}
	if (batch->records.count == 0 || batch->end_sequence >= batch->newest_sequence) {
		drop->at_end = true;
		drop->read_ns = talk->now_ns;
		talk_read_note(talk, group, drop);
		drop->unsigned_batch = false;
	}
out:
	return err;
}
