/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Welcome into a group that this phone has already: it was added anew, because it asked for it, or was
 * silent for long. The group stays the same, with its history, its outbox and its serials; what leads on is
 * the new leaf. Nobody is followed so who was not waited for: a group that leads on by itself stays.
 */
#include <string.h>

#include "talk/access.h"
#include "talk/state.h"

/* What was sealed for a leaf that is no more is sealed anew; what was now or never is over. */
static enum sotto_err outbox_take(struct talk *talk, struct talk_group *group)
{
	enum sotto_err err = SOTTO_OK;

	list_for_each (element, following, &group->outbox) {
		struct talk_out *out = CONTAINER_OF(element, struct talk_out, list);
		struct talk_entry entry;

		if (out->transient) {
			TRY(talk_out_remove(talk, group, out));
			continue;
		}
		/* An entry that stands in the ledger which we were given has arrived. */
		if (out->type == TALK_BODY_ENTRY &&
		    wire_decode(&talk_entry_type, talk_blob_bytes(&out->body), &entry) ==
			    SOTTO_OK &&
		    ledger_check(talk->ledger, entry.entry) == SOTTO_ERR_EXISTS) {
			TRY(talk_out_remove(talk, group, out));
			continue;
		}
		talk_out_unseal(talk, out);
	}
out:
	return err;
}

static enum sotto_err drops_take(struct talk *talk, struct talk_group *group,
				 const struct talk_drop *next)
{
	enum sotto_err err = SOTTO_OK;

	TRY(talk_commit_lost(talk, group));
	TRY(talk_parts_forget(talk, group));
	for (size_t i = 0; i < group->drop_count; i++) {
		if (group->drops[i].commit.count > 0)
			TRY(talk_commit_erase(talk, group, &group->drops[i]));
		TRY(talk_cancel(talk, group->drops[i].ticket));
		talk_drop_clear(talk, &group->drops[i]);
	}
	group->drops[0] = *next;
	group->drop_count = 1;
out:
	return err;
}

/* Takes *mls over. Past drops end here: their senders send again what we have not acknowledged. */
enum sotto_err talk_back_take(struct talk *talk, struct talk_group *group, struct mls_group **mls,
			      struct talk_branch *came)
{
	struct talk_group named = {.kind = group->kind, .mls = *mls};
	bool lost = group->stuck == TALK_STUCK_LOST || talk_relay_lost(talk);
	struct talk_drop next;
	enum sotto_err err = SOTTO_OK;

	TRY(talk_drop_of_epoch(talk, &named, &next));
	TRY(drops_take(talk, group, &next));
	mls_group_destroy(group->mls);
	group->mls = *mls;
	talk_send_options(group->mls);
	*mls = NULL;
	talk_branch_enter(talk, group, came);
	TRY(talk_fork_came(talk, group));
	TRY(talk_owed_welcome(talk, group));
	TRY(outbox_take(talk, group));
	TRY(talk_receipts_due(talk, group));
	group->tell_due_ns = TALK_TELL_NOW;
	group->stuck = TALK_STUCK_NO;
	group->stuck_ms = group->asked_ms = 0;
	memset(group->stuck_commit, 0, sizeof(group->stuck_commit));
	memset(group->stuck_author, 0, sizeof(group->stuck_author));
	group->word_known = group->blocked = group->settled = group->clean.known = false;
	group->speakers = 0;
	group->commit_due_ns = group->speak_due_ns = TALK_NEVER;
	group->update_due = true;
	talk_update_begin(talk, group);
	group->read_ms = talk->utc_ms;
	group->dirty = group->dirty_epoch = group->dirty_ratchet = true;
	if (group->kind == TALK_DIRECT)
		TRY(talk_tell(talk, &(struct talk_event){
					    .type = TALK_EVENT_EPOCH,
					    .extension = talk_extension_of(talk, group->peer),
					    .epoch = next.epoch,
				    }));
	/* The way back, too, may be older than the loss. */
	if (lost)
		err = talk_life_lost(talk, group);
out:
	bytes_wipe(&next, sizeof(next));
	return err;
}

enum sotto_err talk_back_awaited(const struct talk *talk, const struct talk_group *group,
				 const struct mls_group *mls, const struct talk_branch *came)
{
	bool read = group->drops[0].at_end || talk->authority == WIRE_AUTHORITY_PORCH;
	struct mls_context context;

	mls_group_context(mls, &context);
	/* Epochs of two histories are not compared: what counts is that it is the one that stays. */
	if (talk_fork_awaits(group, context.epoch, came))
		return SOTTO_OK;
	if (group->stuck == TALK_STUCK_FORK)
		return SOTTO_ERR_INVALID;
	if (context.epoch <= group->drops[0].epoch)
		return SOTTO_ERR_EXISTS;
	if (group->stuck == TALK_STUCK_NO || (talk_in_gap(group) && !read))
		return SOTTO_ERR_AGAIN;
	/* The commit that added us anew led from our epoch to the next. If we had to ask, to a later one. */
	if (group->stuck == TALK_STUCK_READDED && group->asked_ms == 0 &&
	    context.epoch != group->drops[0].epoch + 1)
		return SOTTO_ERR_AGAIN;
	return SOTTO_OK;
}

enum sotto_err talk_back_group(struct talk *talk, struct talk_group *group, struct mls_group **mls,
			       struct talk_branch *came)
{
	enum sotto_err err = talk_back_awaited(talk, group, *mls, came);

	return err == SOTTO_OK ? talk_back_take(talk, group, mls, came) : err;
}

/* Ours is the beginning of what we are given, or SOTTO_ERR_INVALID. What is more is taken. */
static enum sotto_err entries_take(struct talk *talk, const struct talk_contents *contents,
				   bool take)
{
	struct wire_cursor cursor = wire_list_walk(&contents->entries);
	uint64_t length = ledger_length(talk->ledger);
	struct talk_entry entry;
	uint64_t at = 0;
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(contents->entries.count < length, SOTTO_ERR_INVALID);
	for (; wire_list_next(&cursor, &talk_entry_type, &entry); at++) {
		if (at < length)
			FAIL_IF(!bytes_equal(ledger_entry_bytes(talk->ledger, at), entry.entry),
				SOTTO_ERR_INVALID);
		else if (take)
			TRY(talk_entry_take(talk, entry.entry));
	}
out:
	return err;
}

/* The secrets that we have are the same there; a newer one may be missing here, and none there. */
static bool access_continues(const struct talk *talk, const struct talk_parcel *parcel)
{
	struct wire_cursor cursor = wire_list_walk(&parcel->access);
	const struct talk_access *first = talk_access_first(talk);
	uint64_t newest = 0;
	bool same = true;
	struct talk_access access = {0};

	while (wire_list_next(&cursor, &talk_access_type, &access)) {
		newest = newest == 0 ? access.number : newest;
		if (access.number == first->number)
			same = bytes_equal_ct(access.secret, first->secret, WIRE_KEY_LEN);
	}
	bytes_wipe(&access, sizeof(access));
	return same && newest >= talk->access[0].number;
}

enum sotto_err talk_back_everyone(struct talk *talk, const struct talk_parcel *parcel,
				  const struct talk_contents *contents, struct talk_coming *coming)
{
	struct mls_group **mls = &coming->mls;
	struct talk_branch *came = &coming->branch;
	struct talk_group *everyone = talk->everyone;
	struct ledger *ledger = NULL;
	enum sotto_err err = talk_back_awaited(talk, everyone, *mls, came);

	if (err != SOTTO_OK)
		return err;
	FAIL_IF(parcel->version != TALK_VERSION || !talk_access_fits(parcel) ||
			!access_continues(talk, parcel),
		SOTTO_ERR_INVALID);
	TRY(entries_take(talk, contents, false));
	TRY(talk_ledger_take(talk, contents, &ledger));
	FAIL_IF(!talk_leaves_fit(ledger, *mls, parcel->stated_ms) ||
			!talk_context_names(talk, ledger, *mls, &coming->agreed),
		SOTTO_ERR_INVALID);
	TRY(entries_take(talk, contents, true));
	talk_access_take(talk, parcel);
	TRY(talk_back_take(talk, everyone, mls, came));
	TRY(talk_packages_take(talk, contents));
	talk->behind_ns = talk->behind_length = talk->behind_epoch = 0;
	talk_problem_set(talk, TALK_PROBLEM_WITHHELD, false);
	talk->porch_wanted = false;
	talk_fork_unheard(talk);
	talk->fresh_ms = talk->utc_ms;
	talk->dirty = true;
	TRY(talk_package_announce(talk));
	TRY(talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_LINK}));
out:
	ledger_destroy(ledger);
	return err;
}
