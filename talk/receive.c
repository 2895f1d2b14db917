/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record of a conversation's drop.
 *
 *   part           -> of the present epoch: kept until the message is whole, which counts here (part.c)
 *   hash is ours?  -> it is stored there; our pending commit has won, our entry counts
 *   open           -> commit: the first valid one of the present epoch wins, nothing else does; one that
 *                     only others can follow stops us here
 *                  -> application message: of this epoch, or behind the winner of a past one
 *
 * Which commit wins is decided by RFC 9420 and the group's own state alone; in *everyone*, where the
 * ledger is part of that state, by entries earlier in the same drops.
 */
#include <string.h>

#include "base/assert.h"
#include "crypto/hash.h"
#include "talk/access.h"
#include "talk/age.h"
#include "talk/state.h"

/* Out of memory and out of random bytes end a step; whatever else is wrong is the message's fault. */
static bool fatal(enum sotto_err err)
{
	return err == SOTTO_ERR_NO_MEMORY || err == SOTTO_ERR_RANDOM;
}

/* Somebody else writes with our keys. */
enum sotto_err talk_copied(struct talk *talk)
{
	talk->state = TALK_COPIED;
	talk->dirty = true;
	return talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_STATE});
}

/* The group is in another epoch: its drop becomes a past one, and the new one is read. */
enum sotto_err talk_epoch_begin(struct talk *talk, struct talk_group *group, bool removed)
{
	struct talk_drop next;
	enum sotto_err err = SOTTO_OK;

	group->dirty = group->dirty_epoch = group->dirty_ratchet = true;
	talk_update_epoch(talk, group);
	group->commit_due_ns = TALK_NEVER;
	group->settled = false;
	group->speak_due_ns = TALK_NEVER;
	group->speakers = 0;
	group->entered = group->stuck != TALK_STUCK_LOST;
	/* Whatever is gone: the commit was not. But where its author put it there again, the next one may be lost still. */
	if (group->stuck == TALK_STUCK_LOST) {
		group->speak_due_ns = 0;
		group->stuck_ms = talk->utc_ms;
	} else {
		group->stuck = TALK_STUCK_NO;
	}
	talk_clean_epoch(group);
	TRY(talk_wishes_settle(talk, group));
	talk_age_epoch(talk, group);
	if (!mls_group_active(group->mls)) {
		for (size_t i = 0; i < group->drop_count; i++) {
			TRY(talk_cancel(talk, group->drops[i].ticket));
			group->drops[i].ticket = 0;
		}
		return SOTTO_OK;
	}
	if (group->kind != TALK_EVERYONE) {
		TRY(talk_parcels_settle(talk, group));
		TRY(talk_out_members(talk, group));
	}
	TRY(talk_drop_of_epoch(talk, group, &next));
	TRY(talk_parts_forget(talk, group));
	if (group->drop_count == TALK_DROPS_MAX) {
		struct talk_drop *oldest = &group->drops[TALK_DROPS_MAX - 1];

		if (oldest->commit.count > 0)
			TRY(talk_commit_erase(talk, group, oldest));
		TRY(talk_cancel(talk, oldest->ticket));
		talk_drop_clear(talk, oldest);
		group->drop_count--;
	}
	/* What is on its way: read a little later where it is not watched. */
	if (!group->drops[0].watched && group->kind != TALK_EVERYONE)
		group->drops[0].late_ns = talk->now_ns + TALK_POLL_MS * TALK_MS;
	/* The last epoch's stays watched for what is on its way, if streams are not scarce. */
	for (size_t i = talk->asked_count < TALK_WATCHES_MAX ? 1 : 0; i < group->drop_count; i++) {
		TRY(talk_cancel(talk, group->drops[i].ticket));
		/* Read to its end once more: texts behind the winner count for those who watch on. */
		if (group->drops[i].ticket != 0 && group->kind != TALK_EVERYONE) {
			group->drops[i].at_end = group->drops[i].watched = false;
			group->drops[i].late_ns = talk->now_ns + TALK_POLL_MS * TALK_MS;
		}
		group->drops[i].ticket = 0;
	}
	memmove(&group->drops[1], &group->drops[0], group->drop_count * sizeof(group->drops[0]));
	group->drops[0] = next;
	group->drop_count++;
	TRY(talk_out_again(talk, group, UINT64_MAX));
	if (group->kind == TALK_DIRECT)
		TRY(talk_tell(talk, &(struct talk_event){
					    .type = TALK_EVENT_EPOCH,
					    .extension = talk_extension_of(talk, group->peer),
					    .epoch = next.epoch,
					    .removed = removed,
				    }));
out:
	return err;
}

static bool staged_removes(const struct mls_staged *staged, const struct mls_staged_info *info)
{
	for (size_t i = 0; i < info->changes; i++) {
		struct mls_change change;

		mls_staged_change(staged, i, &change);
		if (change.type == MLS_PROPOSAL_REMOVE)
			return true;
	}
	return false;
}

/* Is this all that stands in the list? */
static bool alone_in(struct bytes extensions, struct bytes data)
{
	/* uint16 type, and the length, of 1, 2 or 4 bytes */
	size_t before = 2U + (data.len < 64 ? 1U : data.len < 16384 ? 2U : 4U);

	return extensions.len == before + data.len;
}

/*
 * What a commit says of a conversation is that extension alone (another one may let strangers propose), of the
 * same kind, and a name that any screen can show. *everyone*'s is judged with its ledger.
 */
static bool extensions_fit(const struct talk_group *group, struct bytes extensions)
{
	struct talk_context context;
	struct talk_context before;
	struct bytes data;

	if (group->kind == TALK_EVERYONE)
		return true;
	if (mls_extension_find(extensions, TALK_CONTEXT_EXTENSION, &data) != SOTTO_OK ||
	    !alone_in(extensions, data) ||
	    wire_decode(&talk_context_type, data, &context) != SOTTO_OK ||
	    talk_group_context(group->mls, &before) != SOTTO_OK)
		return false;
	return context.version == before.version && context.kind == before.kind &&
	       (context.kind == TALK_GROUP ? talk_group_name_valid(context.name)
					   : context.name.len == 0);
}

/* Does one change of a commit fit? more: how many leaves come on top. */
static bool change_fits(const struct talk_group *group, const struct mls_change *change,
			int64_t *more)
{
	if (change->by_reference)
		return false;
	if (change->type == MLS_PROPOSAL_ADD) {
		++*more;
		return group->kind == TALK_EVERYONE ||
		       (change->after.signature_key.len == LEDGER_KEY_LEN &&
			bytes_equal(change->after.credential.content, change->after.signature_key));
	}
	if (change->type == MLS_PROPOSAL_REMOVE) {
		--*more;
		return true;
	}
	/* Which of our ledger's heads it names is judged with the ledger. */
	if (change->type == MLS_PROPOSAL_PSK)
		return group->kind == TALK_EVERYONE && !change->psk_resumption;
	return change->type == MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS &&
	       extensions_fit(group, change->extensions);
}

/*
 * A phone's commit adds, removes and states the group's context, by value, and renews its path. Anything else
 * is no commit of ours, and the same for everybody: proposals that are sent apart would put one member's
 * wish into another's commit, and a pre-shared key is not there at all of them but as agreed.h has it. Nor does a member change its
 * key, or a group become larger than its limit.
 */
static bool commit_fits(const struct talk_group *group, const struct mls_staged *staged,
			const struct mls_staged_info *info)
{
	int64_t more = 0;

	for (size_t i = 0; i < info->changes; i++) {
		struct mls_change change;

		mls_staged_change(staged, i, &change);
		if (!change_fits(group, &change, &more))
			return false;
	}
	if (group->kind == TALK_EVERYONE)
		return true;
	return bytes_equal(info->new_leaf.signature_key, info->old_leaf.signature_key) &&
	       bytes_equal(info->new_leaf.credential.content, info->new_leaf.signature_key) &&
	       (more <= 0 || mls_group_member_count(group->mls) + more <= TALK_MEMBERS_MAX);
}

/* It was read back: the epoch that it leads to is everybody's, ours too. */
static enum sotto_err pending_receive(struct talk *talk, struct talk_group *group,
				      struct talk_drop *drop)
{
	/* What others judge by the ledger as it stands here, so do we. */
	if (!talk_pending_allowed(talk, group))
		return talk_commit_lost(talk, group);
	drop->winner = drop->sequence;
	return talk_commit_won(talk, group);
}

/* Whom the commit adds: who was a member already is added anew, and who added it owes it a way in. */
static enum sotto_err staged_adds(struct talk *talk, struct talk_group *group,
				  const struct mls_staged *staged,
				  const struct mls_staged_info *info)
{
	enum sotto_err err = SOTTO_OK;

	for (size_t i = 0; i < info->changes; i++) {
		struct mls_change change;

		mls_staged_change(staged, i, &change);
		if (change.type != MLS_PROPOSAL_ADD ||
		    change.after.signature_key.len != LEDGER_KEY_LEN)
			continue;
		TRY(talk_returned(talk, group, change.after.signature_key.data));
		TRY(talk_owed_put(talk, group, change.after.signature_key.data,
				  info->old_leaf.signature_key.data, group->drops[0].epoch + 1));
	}
out:
	return err;
}

bool talk_staged_adds(const struct mls_staged *staged, struct bytes key)
{
	struct mls_staged_info info;

	mls_staged_info(staged, &info);
	for (size_t i = 0; i < info.changes; i++) {
		struct mls_change change;

		mls_staged_change(staged, i, &change);
		if (change.type == MLS_PROPOSAL_ADD && bytes_equal(change.after.signature_key, key))
			return true;
	}
	return false;
}

/*
 * The others may follow this one, and we cannot: we stop here, so as not to be led away from them, and say
 * whose it was. Only being added anew leads on.
 */
static enum sotto_err commit_stop(struct talk *talk, struct talk_group *group,
				  struct talk_drop *drop, struct bytes message,
				  const struct mls_staged_info *info)
{
	enum sotto_err err = SOTTO_OK;

	ASSERT(info->old_leaf.signature_key.len == LEDGER_KEY_LEN);
	drop->winner = drop->sequence;
	TRY(talk_stand_still(talk, group, TALK_STUCK_COMMIT));
	hash_digest(HASH_SHA256, message, group->stuck_commit);
	memcpy(group->stuck_author, info->old_leaf.signature_key.data, LEDGER_KEY_LEN);
out:
	return err;
}

/* Our leaf is gone, and there is a new one: what opens it is in our inbox, or on its way there. */
static enum sotto_err commit_readds(struct talk *talk, struct talk_group *group,
				    struct talk_drop *drop)
{
	drop->winner = drop->sequence;
	return talk_stand_still(talk, group, TALK_STUCK_READDED);
}

static enum sotto_err commit_receive(struct talk *talk, struct talk_group *group,
				     struct talk_drop *drop, struct bytes message)
{
	struct mls_staged *staged = NULL;
	struct mls_staged_info info;
	struct talk_blob members = {0};
	struct talk_before before = {0};
	uint8_t by[LEDGER_KEY_LEN];
	bool removed;
	enum sotto_err err = mls_group_receive(group->mls, message, &staged);

	if (err == SOTTO_ERR_STATE)
		return talk_copied(talk); /* in our name, verified, and not ours */
	if (err != SOTTO_OK)
		return fatal(err) ? err : SOTTO_OK; /* not valid: the next one may be */
	mls_staged_info(staged, &info);
	/* Ours, in a record that somebody else made of it. */
	if (info.kind == MLS_STAGED_OWN_COMMIT) {
		err = pending_receive(talk, group, drop);
		goto out;
	}
	if (!commit_fits(group, staged, &info) || info.old_leaf.signature_key.len != sizeof(by) ||
	    (group->kind == TALK_EVERYONE && !talk_everyone_allows(talk, staged)))
		goto out;
	if (info.kind == MLS_STAGED_UNFOLLOWABLE) {
		err = commit_stop(talk, group, drop, message, &info);
		goto out;
	}
	if (info.removes_us &&
	    talk_staged_adds(staged, BYTES(talk->identity.public_key, LEDGER_KEY_LEN))) {
		err = commit_readds(talk, group, drop);
		goto out;
	}
	removed = staged_removes(staged, &info);
	TRY(staged_adds(talk, group, staged, &info));
	memcpy(by, info.old_leaf.signature_key.data, sizeof(by));
	talk_owed_heard(group, by, drop->epoch);
	drop->winner = drop->sequence;
	/* Who commits is there. */
	TRY(talk_parcel_done(talk, group, by, drop->epoch));
	TRY(talk_before_take(talk, group, &before));
	TRY(talk_commit_lost(talk, group));
	if (group->kind == TALK_EVERYONE)
		TRY(talk_access_members(talk, group, &members));
	TRY(mls_group_merge(group->mls, &staged));
	if (group->kind == TALK_EVERYONE)
		TRY(talk_access_epoch(talk, group, &members));
	TRY(talk_notices_make(talk, group, &before, by));
	TRY(talk_epoch_begin(talk, group, removed));
out:
	talk_before_clear(talk, &before);
	talk_blob_clear(talk, &members);
	mls_staged_destroy(staged);
	return err;
}

static enum sotto_err application_receive(struct talk *talk, struct talk_group *group,
					  const struct talk_drop *drop, struct bytes message)
{
	bool past = drop != &group->drops[0];
	struct mls_application application;
	struct mls_member member;
	uint8_t *out;
	enum sotto_err err;

	if (past && drop->sequence > drop->winner + TALK_LATE_MAX)
		return SOTTO_OK;
	out = talk_take(talk, message.len);
	if (out == NULL)
		return SOTTO_ERR_NO_MEMORY;
	err = mls_group_unprotect(group->mls, message, out, message.len, &application);
	if (err != SOTTO_OK) {
		err = fatal(err) ? err : SOTTO_OK;
		goto out;
	}
	group->dirty_ratchet = true;
	talk_age_begin(talk, group);
	if (memcmp(application.member.signature_key.data, talk->identity.public_key,
		   LEDGER_KEY_LEN) == 0) {
		err = talk_copied(talk);
		goto out;
	}
	/* Behind a commit that removed its sender it does not count. */
	if (past && mls_group_find_member(group->mls, application.member.signature_key, &member) !=
			    SOTTO_OK)
		goto out;
	/* Somebody else is still here; or was, and others were further by then. */
	if (!past && talk_in_gap(group) && !talk_branch_behind(group))
		group->stuck = TALK_STUCK_NO;
	err = talk_frame_receive(talk, group, drop, &application);
out:
	talk_give(talk, out, message.len);
	return err;
}

static bool out_is(const struct talk_out *out, struct bytes record)
{
	const struct talk_records *records = &out->records;

	return records->count == 1
		       ? bytes_equal(record, talk_blob_bytes(&records->items[0]))
		       : records->count > 1 && bytes_equal(record, BYTES_OF(records->id));
}

/*
 * A record of ours was read back, or the last part of a message: then record is the id of the parts. serial: of
 * the message in it, whose newest record may be another one.
 */
static enum sotto_err own_receive(struct talk *talk, struct talk_group *group,
				  struct talk_drop *drop, struct bytes record, uint64_t serial)
{
	bool before = drop == &group->drops[0];
	bool counts = before || drop->sequence <= drop->winner + TALK_LATE_MAX;
	enum sotto_err err;

	if (serial != 0 && counts) {
		err = talk_text_again(talk, group, drop, talk->identity.public_key, serial);
		if (err != SOTTO_OK)
			return err;
	}
	if (before && group->pending.count == 1 &&
	    bytes_equal(record, talk_blob_bytes(&group->pending.items[0])))
		return pending_receive(talk, group, drop);
	list_for_each (element, following, &group->outbox) {
		struct talk_out *out = CONTAINER_OF(element, struct talk_out, list);

		if (out_is(out, record))
			return talk_out_seen(talk, group, drop, out,
					     before || (out->type != TALK_BODY_ENTRY &&
							out->type != TALK_BODY_LEAVE && counts));
	}
	return SOTTO_OK;
}

static enum sotto_err message_receive(struct talk *talk, struct talk_group *group,
				      struct talk_drop *drop, struct bytes message)
{
	struct mls_message_info info;
	struct mls_context context;

	mls_group_context(group->mls, &context);
	if (mls_message_read(message, &info) != SOTTO_OK ||
	    !bytes_equal(info.group_id, context.group_id) || info.epoch != drop->epoch)
		return SOTTO_OK;
	if (info.content_type == MLS_CONTENT_APPLICATION)
		return application_receive(talk, group, drop, message);
	if (info.content_type == MLS_CONTENT_COMMIT && drop == &group->drops[0] &&
	    mls_group_active(group->mls))
		return commit_receive(talk, group, drop, message);
	return SOTTO_OK;
}

/* For the present epoch only: what is not whole before the winning commit its author says again. */
static enum sotto_err part_receive(struct talk *talk, struct talk_group *group,
				   struct talk_drop *drop, struct bytes content)
{
	struct talk_blob whole = {0};
	uint8_t id[TALK_MESSAGE_ID_LEN];
	uint64_t serial = 0;
	enum sotto_err err = SOTTO_OK;

	if (drop != &group->drops[0] || !mls_group_active(group->mls))
		return SOTTO_OK;
	TRY(talk_part_receive(talk, group, content, &whole, id));
	if (whole.len == 0)
		goto out;
	if (talk_own_take(drop, BYTES_OF(id), &serial))
		err = own_receive(talk, group, drop, BYTES_OF(id), serial);
	else
		err = message_receive(talk, group, drop, talk_blob_bytes(&whole));
out:
	talk_blob_clear(talk, &whole);
	return err;
}

enum sotto_err talk_record_receive(struct talk *talk, struct talk_group *group,
				   struct talk_drop *drop, struct bytes record)
{
	struct talk_blob message = {0};
	uint64_t serial = 0;
	bool ours;
	enum sotto_err err = SOTTO_OK;

	if (talk_stands_still(group) && drop == &group->drops[0])
		return SOTTO_OK; /* behind what we cannot follow */
	ours = talk_own_take(drop, record, &serial);
	err = talk_record_open(talk, drop, record, &message);
	if (err != SOTTO_OK)
		return fatal(err) ? err : SOTTO_OK;
	if (talk_is_part(talk_blob_bytes(&message)))
		err = part_receive(talk, group, drop, talk_blob_bytes(&message));
	else if (ours)
		err = own_receive(talk, group, drop, record, serial);
	else
		err = message_receive(talk, group, drop, talk_blob_bytes(&message));
	talk_blob_clear(talk, &message);
	return err;
}
