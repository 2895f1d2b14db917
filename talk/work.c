/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After every input: whatever can be done now, derived from the state alone.
 *
 *   timers: rank of a commit, rank of a sponsor (x 250 ms; 60 s for somebody else's Add), retry after the
 *   relay was busy, 60 s behind the others, an access key that the relay has not got yet (access.c), a card
 *   whose time is over (forget.c), keys that are too old (age.c)
 */
#include <string.h>

#include "base/assert.h"
#include "talk/access.h"
#include "talk/age.h"
#include "talk/marks.h"
#include "talk/problem.h"
#include "talk/state.h"

enum sotto_err talk_step_begin(struct talk *talk, uint64_t now_ns, uint64_t utc_ms)
{
	if (talk->broken != SOTTO_OK)
		return talk->broken;
	talk->now_ns = now_ns;
	talk->utc_ms = utc_ms;
	return SOTTO_OK;
}

static size_t watches(const struct talk *talk)
{
	size_t count = 0;

	list_for_each (element, following, &talk->asked)
		count += CONTAINER_OF(element, struct talk_asked, list)->what == TALK_ASK_WATCH;
	return count;
}

/* Read to the end, then watched; read again and again where no watch is left. */
static enum sotto_err drop_ask(struct talk *talk, struct talk_drop *drop, bool urgent)
{
	enum talk_asking what = TALK_ASK_READ;
	enum sotto_err err;

	if (drop->ticket != 0 || talk->now_ns < talk->retry_ns || talk->now_ns < drop->again_ns)
		return SOTTO_OK;
	if (drop->at_end) {
		if (watches(talk) < talk->watches_max)
			what = TALK_ASK_WATCH;
		else if (talk->now_ns < drop->read_ns + TALK_POLL_MS * TALK_MS &&
			 (!urgent || talk_drop_fresh(talk, drop)))
			return SOTTO_OK;
	}
	err = talk_ask_drop(talk, what, drop);
	return err == SOTTO_ERR_AGAIN ? SOTTO_OK : err;
}

/* Is there something that could be sent, if we knew that we have read everything? */
static bool group_waits(const struct talk_group *group)
{
	if (group->pending.count > 0)
		return true;
	list_for_each (element, following, &group->outbox) {
		if (!CONTAINER_OF(element, struct talk_out, list)->stored)
			return true;
	}
	return false;
}

static enum sotto_err group_ask(struct talk *talk, struct talk_group *group)
{
	struct talk_drop *present = &group->drops[0];
	enum sotto_err err = SOTTO_OK;

	/* Whose messages are there *everyone* says. */
	if (group != talk->everyone && !talk->everyone->drops[0].at_end &&
	    !talk_stands_still(talk->everyone))
		return SOTTO_OK;
	/* Nobody else writes there; but whom we took out may have to read it yet. */
	if (talk_group_alone(group))
		present->at_end = present->watched = true;
	else if (mls_group_active(group->mls) && !talk_stands_still(group))
		TRY(drop_ask(talk, present, group_waits(group)));
	/*
	 * What came too late for a past epoch its sender sends again in the present one, so it is enough
	 * to look once on each link: for what others could not send again, and whether the relay lost it.
	 * And once a little after its end: what was on its way then stands there for those who have read it there.
	 */
	for (size_t i = 1; i < group->drop_count; i++) {
		struct talk_drop *drop = &group->drops[i];

		if (drop->late_ns != 0 && talk->now_ns >= drop->late_ns && drop->ticket == 0) {
			drop->late_ns = 0;
			drop->at_end = false;
		}
		if (!drop->at_end)
			TRY(drop_ask(talk, drop, false));
	}
out:
	return err;
}

/* What was dealt with in our inbox is erased there, once the store knows that it was. */
static enum sotto_err inbox_trim(struct talk *talk)
{
	struct wire_trim trim = {.flags = talk->inbox.flags,
				 .up_to_sequence = talk->inbox.sequence};
	struct talk_asked *asked;
	enum sotto_err err;

	if (!talk->inbox.at_end || !list_empty(&talk->coming) || !talk->inbox.known ||
	    talk->inbox_trimmed >= talk->inbox.sequence || talk->state != TALK_MEMBER)
		return SOTTO_OK;
	memcpy(trim.append_token_hash, talk->inbox.append_hash, WIRE_HASH_LEN);
	memcpy(trim.read_token, talk->inbox.read_token, WIRE_TOKEN_LEN);
	memcpy(trim.incarnation, talk->inbox.incarnation, WIRE_INCARNATION_LEN);
	memcpy(trim.running_hash, talk->inbox.running, WIRE_HASH_LEN);
	err = talk_ask(talk, TALK_ASK_TRIM, &wire_trim_type, &trim, &asked);
	bytes_wipe(&trim, sizeof(trim));
	if (err == SOTTO_OK)
		talk->inbox_trimmed = talk->inbox.sequence;
	return err == SOTTO_ERR_AGAIN ? SOTTO_OK : err;
}

static enum sotto_err member_work(struct talk *talk)
{
	enum sotto_err err = SOTTO_OK;

	TRY(talk_coming_work(talk));
	TRY(talk_fetch_work(talk));
	TRY(group_ask(talk, talk->everyone));
	TRY(drop_ask(talk, &talk->inbox, false));
	TRY(drop_ask(talk, &talk->porch, false));
	if (talk_taking_reads(talk))
		TRY(drop_ask(talk, &talk->taking->drop, false));
	list_for_each (element, following, &talk->groups) {
		struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		TRY(group_ask(talk, group));
		TRY(talk_commits_again(talk, group));
		TRY(talk_leave_work(talk, group));
		talk_missed_work(talk, group);
		TRY(talk_commit_work(talk, group));
		TRY(talk_life_work(talk, group));
		TRY(talk_send_work(talk, group));
		/* A commit in a group of one has moved it on. */
		TRY(group_ask(talk, group));
	}
	if (talk_group_current(talk, talk->everyone))
		TRY(talk_package_work(talk));
	TRY(talk_porch_work(talk));
	TRY(talk_fork_work(talk));
	TRY(talk_plea_work(talk));
	TRY(talk_proposals_work(talk));
	TRY(talk_beacon_work(talk));
	TRY(talk_send_work(talk, talk->everyone));
	TRY(talk_files_work(talk));
	TRY(talk_parcels_work(talk));
	TRY(talk_giving_work(talk));
	TRY(talk_taking_work(talk));
	TRY(talk_read_marks_work(talk));
	TRY(inbox_trim(talk));
out:
	return err;
}

/* Not on a link with the newest key: what leads there is in *everyone*, or in our inbox. */
static enum sotto_err back_work(struct talk *talk)
{
	enum sotto_err err = SOTTO_OK;

	TRY(talk_coming_work(talk));
	if (talk->authority == WIRE_AUTHORITY_CATCH_UP)
		TRY(group_ask(talk, talk->everyone));
	else if (talk->authority != WIRE_AUTHORITY_PORCH)
		return SOTTO_OK;
	TRY(talk_fetch_work(talk));
	TRY(drop_ask(talk, &talk->inbox, false));
	TRY(talk_plea_work(talk));
out:
	return err;
}

static enum sotto_err work(struct talk *talk)
{
	enum sotto_err err = SOTTO_OK;

	if (!talk->link_up)
		return SOTTO_OK;
	TRY(talk_access_work(talk));
	switch (talk->state) {
	case TALK_FOUNDING:
		return talk_found_work(talk);
	case TALK_JOINING:
		TRY(talk_join_work(talk));
		if (talk->authority == WIRE_AUTHORITY_PORCH)
			TRY(drop_ask(talk, &talk->inbox, false));
		TRY(talk_coming_work(talk));
		if (talk->state == TALK_JOINING && talk->authority == WIRE_AUTHORITY_PORCH)
			TRY(talk_fetch_work(talk));
		break;
	case TALK_MEMBER:
		if (talk->link_ready)
			TRY(member_work(talk));
		else
			TRY(back_work(talk));
		break;
	case TALK_EMPTY:
	case TALK_REVOKED:
	case TALK_COPIED:
		break;
	}
out:
	return err;
}

/* The phone is out: nothing more is asked, nothing more is sent. */
static enum sotto_err stop(struct talk *talk)
{
	enum sotto_err err = SOTTO_OK;

	list_for_each (element, following, &talk->asked)
		TRY(talk_cancel(talk, CONTAINER_OF(element, struct talk_asked, list)->ticket));
	if (talk->link_up)
		err = talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_LINK});
	talk->link_up = talk->link_ready = false;
out:
	return err;
}

enum sotto_err talk_failed(const struct talk *talk)
{
	return talk->broken;
}

enum sotto_err talk_step_end(struct talk *talk, enum sotto_err err)
{
	if (talk->broken != SOTTO_OK)
		return talk->broken;
	if (err == SOTTO_OK)
		err = work(talk);
	if (err == SOTTO_OK)
		err = talk_join_expire(talk);
	if (err == SOTTO_OK)
		err = talk_hand_expire(talk);
	if (err == SOTTO_OK && talk->state > TALK_MEMBER)
		err = stop(talk);
	if (err == SOTTO_OK && talk->porch_offered != talk_porch_offer(talk)) {
		talk->porch_offered = !talk->porch_offered;
		err = talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_LINK});
	}
	if (err == SOTTO_OK) {
		talk_problems_settle(talk);
		if (talk->problems != talk->shown_problems)
			err = talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_STATE});
		talk->shown_problems = talk->problems;
	}
	if (err == SOTTO_OK)
		talk_age_work(talk);
	if (err == SOTTO_OK)
		err = talk_save(talk);
	talk->broken = err;
	return err;
}

enum sotto_err talk_unlink(struct talk *talk)
{
	enum sotto_err err = SOTTO_OK;

	talk->link_up = talk->link_ready = false;
	talk->authority = WIRE_AUTHORITY_NONE;
	talk->old_key_ns = 0;
	talk->petition_stored = talk->asked_found = false;
	talk->petition_ticket = talk->plea_ticket = 0;
	talk->retry_ns = 0;
	talk_access_unlink(talk);
	talk->inbox.ticket = talk->porch.ticket = 0;
	talk->inbox.at_end = talk->porch.at_end = false;
	talk->inbox.watched = talk->porch.watched = false;
	talk_asked_drop_all(talk);
	talk_outgoing_clear(talk);
	talk_files_unlink(talk);
	talk_fetch_unlink(talk);
	list_for_each (element, following, &talk->parcels) {
		struct talk_sent_parcel *sent =
			CONTAINER_OF(element, struct talk_sent_parcel, list);

		sent->records.ticket = 0;
		sent->records.stored = 0;
	}
	talk_taking_unlink(talk);
	talk_read_marks_unlink(talk);
	list_for_each (element, following, &talk->givings)
		CONTAINER_OF(element, struct talk_giving, list)->records.ticket = 0;
	list_for_each (element, following, &talk->groups) {
		struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		for (size_t i = 0; i < group->drop_count; i++) {
			group->drops[i].ticket = 0;
			group->drops[i].commit.ticket = 0;
			group->drops[i].at_end = group->drops[i].watched = false;
		}
		group->pending.ticket = 0;
		group->branch.ticket = group->branch.due_ns = 0;
		/* Of a drop that we have read we hear when it is lost; of another one we do not. */
		if (!group->drops[0].known)
			group->pending.stored = 0;
		group->commit_due_ns = TALK_NEVER;
		group->entered = false;
		group->speak_due_ns = group->stuck == TALK_STUCK_LOST ? 0 : TALK_NEVER;
		group->settled = false;
		TRY(talk_out_unlink(talk, group));
	}
out:
	return err;
}

enum sotto_err talk_link_up(struct talk *talk, const uint8_t *exporter, int64_t clock_offset_ms,
			    uint64_t now_ns, uint64_t utc_ms)
{
	enum sotto_err err = talk_step_begin(talk, now_ns, utc_ms);

	if (err != SOTTO_OK)
		return err;
	TRY(talk_unlink(talk));
	if (talk->state == TALK_EMPTY || talk->state > TALK_MEMBER)
		goto out;
	memcpy(talk->exporter, exporter, WIRE_EXPORTER_LEN);
	talk->relay_ms = talk->utc_ms + (uint64_t)clock_offset_ms;
	talk->relay_utc_ms = talk->utc_ms;
	talk->relay_ns = talk->now_ns;
	talk_problem_set(talk, TALK_PROBLEM_LOST, false);
	talk->link_up = true;
	talk->updates.linked_ns = talk->now_ns;
out:
	return talk_step_end(talk, err);
}

enum sotto_err talk_link_down(struct talk *talk, uint64_t now_ns, uint64_t utc_ms)
{
	enum sotto_err err = talk_step_begin(talk, now_ns, utc_ms);

	if (err != SOTTO_OK)
		return err;
	return talk_step_end(talk, talk_unlink(talk));
}

enum sotto_err talk_tick(struct talk *talk, uint64_t now_ns, uint64_t utc_ms)
{
	enum sotto_err err = talk_step_begin(talk, now_ns, utc_ms);

	if (err != SOTTO_OK)
		return err;
	return talk_step_end(talk, SOTTO_OK);
}

/* When a drop is to be read again, if that was put off. */
static uint64_t again_due(const struct talk *talk)
{
	uint64_t due = TALK_NEVER;

	if (talk->inbox.again_ns > talk->now_ns)
		due = talk->inbox.again_ns;
	if (talk->porch.again_ns > talk->now_ns)
		due = talk_earlier(due, talk->porch.again_ns);
	list_for_each (element, following, &talk->groups) {
		const struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		for (size_t i = 0; i < group->drop_count; i++) {
			if (group->drops[i].again_ns > talk->now_ns)
				due = talk_earlier(due, group->drops[i].again_ns);
			if (group->drops[i].late_ns > talk->now_ns && i > 0)
				due = talk_earlier(due, group->drops[i].late_ns);
		}
	}
	return due;
}

/* When a drop that is not watched is read again: not before *everyone* is read, nor while the relay is in trouble. */
static uint64_t poll_due(const struct talk *talk, const struct talk_group *group)
{
	const struct talk_drop *present = &group->drops[0];
	uint64_t due = present->read_ns + TALK_POLL_MS * TALK_MS;

	if (group != talk->everyone && !talk->everyone->drops[0].at_end &&
	    !talk_stands_still(talk->everyone))
		return TALK_NEVER;
	if (due < talk->retry_ns)
		due = talk->retry_ns;
	return due < present->again_ns ? present->again_ns : due;
}

static uint64_t next_due(const struct talk *talk)
{
	uint64_t due = TALK_NEVER;

	if (!talk->link_up || talk->broken != SOTTO_OK)
		return TALK_NEVER;
	if (talk->retry_ns > talk->now_ns)
		due = talk->retry_ns;
	due = talk_earlier(due, again_due(talk));
	due = talk_earlier(due, talk_access_due(talk));
	due = talk_earlier(due, talk_plea_due(talk));
	due = talk_earlier(due, talk_fetch_due(talk));
	due = talk_earlier(due, talk_missed_due(talk));
	due = talk_earlier(due, talk_fork_due(talk));
	if (talk->state == TALK_MEMBER)
		due = talk_earlier(due, talk_beacon_due(talk));
	if (talk->behind_ns != 0 && (talk->problems & UINT32_C(1) << TALK_PROBLEM_WITHHELD) == 0)
		due = talk_earlier(due, talk->behind_ns + TALK_BEHIND_MS * TALK_MS);
	if (talk->package_due_ns > talk->now_ns)
		due = talk_earlier(due, talk->package_due_ns);
	list_for_each (element, following, &talk->groups) {
		const struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);
		const struct talk_drop *present = &group->drops[0];

		if (talk_group_over(group))
			continue;
		/* What cannot be done now waits for what is read. */
		if (talk_group_current(talk, group)) {
			due = talk_earlier(due, group->commit_due_ns);
			due = talk_earlier(due, talk_receipt_due(talk, group));
			if (group->settled && group->pending.count == 0)
				due = talk_earlier(due,
						   group->settled_ns + TALK_SILENCE_MS * TALK_MS);
		}
		if (group->speak_due_ns > talk->now_ns)
			due = talk_earlier(due, group->speak_due_ns);
		if (group->parts_due_ns > talk->now_ns)
			due = talk_earlier(due, group->parts_due_ns);
		if (present->at_end && !present->watched && present->ticket == 0 &&
		    !talk_stands_still(group))
			due = talk_earlier(due, poll_due(talk, group));
	}
	if (talk->everyone == NULL || !talk_group_current(talk, talk->everyone))
		return due;
	due = talk_earlier(due, talk_proposals_due(talk));
	list_for_each (element, following, &talk->petitions) {
		const struct talk_petition_row *row =
			CONTAINER_OF(element, struct talk_petition_row, list);

		if (!row->submitted && row->due_ns > talk->now_ns)
			due = talk_earlier(due, row->due_ns);
	}
	return due;
}

/* What was due at the last step and could not be done then waits for something else than time. */
uint64_t talk_deadline(const struct talk *talk)
{
	uint64_t due = talk_earlier(next_due(talk),
				    talk_earlier(talk_join_due(talk), talk_porch_due(talk)));

	due = talk_earlier(due, talk_problems_due(talk));
	due = talk_earlier(due, talk_age_due(talk));
	due = talk_earlier(due, talk_hand_due(talk));
	return due > talk->now_ns ? due : talk->now_ns + TALK_RANK_MS * TALK_MS;
}

const struct store_batch *talk_batch(const struct talk *talk)
{
	return &talk->batch;
}

void talk_stored(struct talk *talk)
{
	store_batch_release(&talk->batch);
}
