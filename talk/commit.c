/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commits of ours: whose turn it is to do what a group needs (needs.c), and what becomes of the commit.
 *
 *   need --(rank x 250 ms)--> pending, stored --append--> read back: won | another one won: lost
 *
 * A pending commit changes nothing until it has been read back, and it is never thrown away while it may
 * have arrived. Its Welcomes are stored with it and go out when it has won.
 */
#include <string.h>

#include "crypto/hash.h"
#include "talk/access.h"
#include "talk/needs.h"
#include "talk/problem.h"
#include "talk/state.h"

/* Those who are being let in when a network becomes full come on top. */
_Static_assert((TALK_MEMBERS_MAX + TALK_PETITIONS_MAX) * TALK_PATH_LEAF_LEN +
			       TALK_NEEDS_MAX * TALK_KEY_PACKAGE_MAX <
		       TALK_MESSAGE_PARTS_MAX * TALK_PART_MAX - TALK_COMMIT_REST_LEN,
	       "no commit is too long to be sent");

/* hash(trigger, leaf). */
static void draw(const struct hash *trigger, uint32_t leaf, uint8_t *digest)
{
	uint8_t number[4] = {(uint8_t)(leaf >> 24), (uint8_t)(leaf >> 16), (uint8_t)(leaf >> 8),
			     (uint8_t)leaf};
	struct hash hash = *trigger;

	hash_update(&hash, BYTES_OF(number));
	hash_final(&hash, digest);
}

/* How many of those who could act come before us. */
uint32_t talk_rank(const struct talk *talk, const struct talk_group *group, struct bytes trigger)
{
	uint32_t own_leaf = mls_group_own_leaf(group->mls);
	uint8_t own[WIRE_HASH_LEN];
	uint8_t digest[WIRE_HASH_LEN];
	struct hash hash;
	uint32_t cursor = 0;
	uint32_t rank = 0;
	uint32_t leaf;

	/* Then nobody need be looked up: in a large group that would be most of what this takes. */
	bool all = talk_clean_known(talk, group) && ledger_unconfirmed(talk->ledger) == 0;

	hash_init(&hash, HASH_SHA256);
	hash_update(&hash, trigger);
	draw(&hash, own_leaf, own);
	while (mls_group_next_leaf(group->mls, &cursor, &leaf)) {
		if (leaf == own_leaf)
			continue;
		draw(&hash, leaf, digest);
		rank += memcmp(digest, own, sizeof(own)) < 0 &&
			(all ||
			 ledger_allows_leaf(talk->ledger, mls_group_leaf_key(group->mls, leaf).data,
					    true));
	}
	return rank;
}

/* The same need in the same epoch has the same trigger on every phone. */
static void trigger_of(const struct talk *talk, const struct talk_group *group,
		       const struct talk_needs *needs, uint8_t *trigger)
{
	struct mls_context context;
	struct hash hash;

	mls_group_context(group->mls, &context);
	hash_init(&hash, HASH_SHA256);
	hash_update(&hash, BYTES_TEXT("sotto trigger 1"));
	hash_update(&hash, context.confirmed_transcript_hash);
	/* Another draw, so that what else comes up does not wait as long. */
	if (needs->scheduled)
		hash_update(&hash, BYTES_TEXT("update"));
	/* In a group one draw an epoch is for all that anybody wants of it. */
	if (group->kind == TALK_GROUP) {
		hash_final(&hash, trigger);
		return;
	}
	for (size_t i = 0; i < needs->add_count; i++)
		hash_update(&hash, BYTES(needs->added[i], LEDGER_KEY_LEN));
	hash_update(&hash, BYTES(needs->removes, needs->remove_count * sizeof(uint32_t)));
	/* Our first update is nobody else's need; of those that are due by their age one goes first. */
	if (needs->update && !needs->scheduled && needs->add_count == 0 && needs->remove_count == 0)
		hash_update(&hash, BYTES(talk->identity.public_key, LEDGER_KEY_LEN));
	hash_final(&hash, trigger);
}

/* Whom the Welcome is for, and with which key package: what goes to their inboxes is sealed to it. */
static enum sotto_err welcomed_set(struct talk *talk, struct talk_group *group,
				   const uint8_t *const *keys, const struct bytes *packages,
				   size_t count)
{
	struct talk_kept_welcomed *made = NULL;
	enum sotto_err err = SOTTO_OK;

	if (count > 0) {
		made = talk_take(talk, count * sizeof(*made));
		if (made == NULL)
			return SOTTO_ERR_NO_MEMORY;
	}
	for (size_t i = 0; i < count; i++) {
		const struct talk_petition_row *petition = talk_petition_of(talk, keys[i]);
		struct mls_key_package_info info;
		struct mls_member member;
		size_t ref_len;

		TRY(mls_key_package_check(&talk->mls, packages[i], 0, &info));
		FAIL_IF(info.init_key.len > TALK_INIT_KEY_MAX, SOTTO_ERR_UNSUPPORTED);
		TRY(mls_key_package_ref(packages[i], made[i].package_ref, &ref_len));
		memcpy(made[i].key, keys[i], LEDGER_KEY_LEN);
		memcpy(made[i].init_key, info.init_key.data, info.init_key.len);
		made[i].init_key_len = (uint16_t)info.init_key.len;
		if (group->kind == TALK_EVERYONE && petition != NULL &&
		    (mls_group_find_member(group->mls, BYTES(keys[i], LEDGER_KEY_LEN), &member) !=
			     SOTTO_OK ||
		     talk_return_landed(talk, group, keys[i])))
			memcpy(made[i].landing_append, petition->landing_append, WIRE_TOKEN_LEN);
	}
	talk_give(talk, group->welcomed, group->welcomed_count * sizeof(*group->welcomed));
	group->welcomed = made;
	group->welcomed_count = count;
	made = NULL;
out:
	talk_give(talk, made, count * sizeof(*made));
	return err;
}

/*
 * A path heals, and fills the tree, so that later ones cost less; a commit that only adds may do without. In a group
 * it has one while the tree is less than half filled, between two people always, in *everyone* never: newcomers come
 * one after the other there, and fill it later (update.c).
 */
static bool path_wanted(const struct talk_group *group, const struct mls_commit_options *options)
{
	if (options->add_count == 0 || options->remove_count > 0 || group->update_due)
		return true;
	return group->kind != TALK_EVERYONE &&
	       (group->kind != TALK_GROUP || talk_tree_sparse(group));
}

/* keys: whom the added key packages belong to. */
enum sotto_err talk_commit_make(struct talk *talk, struct talk_group *group,
				struct mls_commit_options *options, const uint8_t *const *keys,
				struct bytes name)
{
	struct mls_buffer commit = {0};
	struct talk_blob context = {0};
	struct mls_extension extension = {.type = TALK_CONTEXT_EXTENSION};
	bool alone = mls_group_member_count(group->mls) == 1;
	struct bytes agreed;
	enum sotto_err err = SOTTO_OK;

	TRY(talk_context_encode(talk, group->kind, name, &context));
	extension.data = talk_blob_bytes(&context);
	agreed = talk_blob_bytes(&context);
	options->path = path_wanted(group, options);
	options->psks = &agreed;
	options->psk_count = group->kind == TALK_EVERYONE && !options->path ? 1 : 0;
	options->set_extensions = (group->kind == TALK_EVERYONE && options->path) || name.len > 0;
	options->extensions = &extension;
	options->extension_count = options->set_extensions ? 1 : 0;
	mls_buffer_release(&group->welcome);
	TRY(talk_ratchets_reserve(group));
	TRY(mls_group_commit(group->mls, options, &commit, &group->welcome));
	TRY(welcomed_set(talk, group, keys, options->add, options->add_count));
	group->dirty = group->dirty_epoch = group->dirty_ratchet = true;
	if (alone) {
		/* Nobody else can commit, and nobody would read it back. */
		err = talk_commit_won(talk, group);
		goto out;
	}
	TRY(talk_message_seal(talk, &group->drops[0], mls_buffer_bytes(&commit), NULL,
			      &group->pending));
out:
	mls_buffer_release(&commit);
	talk_blob_clear(talk, &context);
	return err;
}

/* What our leaf is: another one after each commit of ours that has a path. */
static enum sotto_err leaf_hash(const struct talk_group *group, uint8_t *digest)
{
	struct mls_member own;
	enum sotto_err err = mls_group_member(group->mls, mls_group_own_leaf(group->mls), &own);

	if (err == SOTTO_OK)
		hash_digest(HASH_SHA256, own.encryption_key, digest);
	return err;
}

/* Ours is the winner: its epoch is everybody's, and its Welcomes may go. */
enum sotto_err talk_commit_won(struct talk *talk, struct talk_group *group)
{
	struct talk_drop *drop = &group->drops[0];
	/* That nobody else went on shows only when somebody else is heard. */
	enum talk_stuck_why stuck = talk_in_gap(group) ? group->stuck : TALK_STUCK_NO;
	bool removed = group->blocked;
	struct talk_blob members = {0};
	struct talk_before before = {0};
	uint8_t old_leaf[WIRE_HASH_LEN], leaf[WIRE_HASH_LEN];
	enum sotto_err err = SOTTO_OK;

	for (size_t i = 0; i < group->welcomed_count; i++) {
		TRY(talk_returned(talk, group, group->welcomed[i].key));
		TRY(talk_owed_put(talk, group, group->welcomed[i].key, talk->identity.public_key,
				  drop->epoch + 1));
	}
	if (group->kind == TALK_EVERYONE)
		TRY(talk_access_members(talk, group, &members));
	TRY(talk_before_take(talk, group, &before));
	TRY(leaf_hash(group, old_leaf));
	TRY(mls_group_apply_pending(group->mls));
	TRY(leaf_hash(group, leaf));
	if (memcmp(leaf, old_leaf, sizeof(leaf)) != 0)
		talk_update_won(talk, group);
	TRY(talk_notices_make(talk, group, &before, talk->identity.public_key));
	if (group->kind == TALK_EVERYONE)
		TRY(talk_access_epoch(talk, group, &members));
	talk_records_clear(talk, &drop->commit);
	drop->commit = group->pending;
	drop->commit.stored = drop->commit.count;
	drop->commit.ticket = 0;
	/* Its row has the Welcome too, which is gone now. */
	drop->commit.dirty = drop->commit.count > 0;
	group->pending = (struct talk_records){0};
	group->update_due = false;
	group->blocked = false;
	group->lost = 0;
	/* In a group of one there is no commit in the drop to be the winner. */
	if (drop->winner == 0)
		drop->winner = drop->sequence;
	TRY(talk_epoch_begin(talk, group, removed));
	group->stuck =
		mls_group_active(group->mls) && !talk_group_alone(group) ? stuck : TALK_STUCK_NO;
	if (group->welcome.len > 0)
		TRY(talk_parcels_make(talk, group));
	mls_buffer_release(&group->welcome);
	TRY(welcomed_set(talk, group, NULL, NULL, 0));
out:
	talk_before_clear(talk, &before);
	talk_blob_clear(talk, &members);
	return err;
}

/* In *everyone*: is everybody whom our pending commit adds still allowed, where it landed? */
bool talk_pending_allowed(const struct talk *talk, const struct talk_group *group)
{
	for (size_t i = 0; i < group->welcomed_count && group->kind == TALK_EVERYONE; i++) {
		if (!ledger_allows_leaf(talk->ledger, group->welcomed[i].key, false))
			return false;
	}
	return true;
}

/* Another one is: what ours was for is looked at again in the new epoch. */
enum sotto_err talk_commit_lost(struct talk *talk, struct talk_group *group)
{
	enum sotto_err err = SOTTO_OK;

	group->dirty = group->dirty_epoch = group->dirty_ratchet = true;
	mls_group_drop_pending(group->mls);
	if (group->pending.count > 0) {
		talk->discarded++;
		talk->dirty = true;
		group->lost++;
		TRY(talk_commit_erase(talk, group, &group->drops[0]));
	}
	talk_records_clear(talk, &group->pending);
	mls_buffer_release(&group->welcome);
	TRY(welcomed_set(talk, group, NULL, NULL, 0));
out:
	return err;
}

/* The row of our commit in this drop. */
enum sotto_err talk_commit_erase(struct talk *talk, const struct talk_group *group,
				 const struct talk_drop *drop)
{
	uint8_t owner[8];

	talk_group_owner(group, owner);
	return store_batch_delete(&talk->batch, TALK_TABLE_COMMIT, BYTES_OF(owner), drop->epoch);
}

static enum sotto_err records_append(struct talk *talk, const struct talk_group *group,
				     enum talk_asking what, const struct talk_drop *drop,
				     struct talk_records *records)
{
	struct talk_asked *asked;
	enum sotto_err err = talk_records_append(talk, what, drop->append_token, drop->read_hash,
						 drop->flags, records, &asked);

	if (asked != NULL)
		asked->group = group->number;
	return err;
}

static enum sotto_err pending_append(struct talk *talk, struct talk_group *group)
{
	return records_append(talk, group, TALK_ASK_APPEND_COMMIT, &group->drops[0],
			      &group->pending);
}

enum sotto_err talk_commits_again(struct talk *talk, struct talk_group *group)
{
	enum sotto_err err = SOTTO_OK;

	for (size_t i = 0; i < group->drop_count; i++)
		TRY(records_append(talk, group, TALK_ASK_APPEND_AGAIN, &group->drops[i],
				   &group->drops[i].commit));
out:
	return err;
}

/* Which one was it? One by one it shows; then its wish is over. */
static enum sotto_err wish_refused(struct talk *talk, struct talk_group *group, const uint8_t *key,
				   size_t added)
{
	const struct ledger_device *device = ledger_device_by_key(talk->ledger, key);
	struct talk_wish *wish = talk_wish_of(group, TALK_WISH_ADD, device->member);

	if (added > 1) {
		group->one_by_one = true;
		return SOTTO_OK;
	}
	/* Nobody wished it, the device is only there: until it posts another one. */
	if (wish == NULL) {
		talk_package_free(talk, talk_package_of(talk, key));
		return SOTTO_OK;
	}
	return talk_wish_fail(talk, group, wish, TALK_WHY_PACKAGE);
}

static enum sotto_err commit_now(struct talk *talk, struct talk_group *group,
				 const struct talk_needs *needs)
{
	struct mls_commit_options options = {
		.add = needs->adds,
		.add_count = needs->add_count,
		.remove = needs->removes,
		.remove_count = needs->remove_count,
	};
	const struct talk_wish *rename = needs->rename;
	struct bytes name = rename == NULL ? BYTES_NONE : BYTES(rename->name, rename->name_len);
	enum sotto_err err = talk_commit_make(talk, group, &options, needs->added, name);

	/* A key package that does not fit after all must not keep the others out for good. */
	if (err != SOTTO_ERR_INVALID || needs->add_count == 0)
		return err;
	err = SOTTO_OK;
	for (size_t i = 0; i < needs->add_count && err == SOTTO_OK; i++) {
		struct talk_petition_row *petition = talk_petition_of(talk, needs->added[i]);
		struct mls_member member;

		if (mls_group_find_member(group->mls, BYTES(needs->added[i], LEDGER_KEY_LEN),
					  &member) == SOTTO_OK)
			err = talk_return_fail(talk, group, needs->added[i]);
		else if (group->kind != TALK_EVERYONE)
			err = wish_refused(talk, group, needs->added[i], needs->add_count);
		else if (group->kind == TALK_EVERYONE && petition != NULL)
			talk_petition_free(talk, petition);
	}
	return err;
}

/* How long others who could do it have, or are about to do something else there, come before us. */
static uint64_t wait_ms(const struct talk *talk, const struct talk_group *group,
			const struct talk_needs *needs, const uint8_t *trigger)
{
	uint64_t rank, slot_ms;

	/* Nobody else has this wish, and nobody was seen to have another. */
	if (needs->own && group->lost == 0)
		return 0;
	/* The sponsor does what he began; others when he has not. */
	if (group->kind != TALK_GROUP && needs->add_count > 0 && needs->remove_count == 0 &&
	    needs->sponsored)
		return 0;
	rank = talk_rank(talk, group, BYTES(trigger, WIRE_HASH_LEN));
	if (needs->own) {
		slot_ms = TALK_AGAIN_MS / mls_group_member_count(group->mls);
		return rank * (slot_ms < TALK_RANK_MS ? slot_ms : TALK_RANK_MS);
	}
	if (group->kind == TALK_EVERYONE && needs->add_count > 0 && needs->remove_count == 0)
		return rank * TALK_RANK_MS +
		       (needs->one_of_ours ? TALK_CO_SPONSOR_MS : TALK_SPONSOR_MS);
	return rank * (needs->scheduled ? TALK_UPDATE_RANK_MS : TALK_RANK_MS);
}

/* It is doubted that all are here: until they had the time to say so nothing is committed. */
static bool lost_waits(const struct talk *talk, struct talk_group *group)
{
	uint64_t until_ns = group->lost_ns + TALK_LOST_COMMIT_MS * TALK_MS;

	if (group->lost_ns == 0)
		return false;
	if (talk->now_ns < until_ns) {
		group->commit_due_ns = until_ns;
		return true;
	}
	group->lost_ns = 0;
	return false;
}

enum sotto_err talk_commit_work(struct talk *talk, struct talk_group *group)
{
	uint8_t trigger[WIRE_HASH_LEN];
	struct talk_needs *needs;
	bool waits;
	enum sotto_err err = SOTTO_OK;

	if (!talk_group_current(talk, group))
		return SOTTO_OK;
	waits = lost_waits(talk, group);
	if (group->pending.count > 0)
		return waits ? SOTTO_OK : pending_append(talk, group);
	if (group->settled && group->settled_ledger == ledger_length(talk->ledger) &&
	    group->settled_news == talk->news &&
	    talk->now_ns < group->settled_ns + TALK_SILENCE_MS * TALK_MS &&
	    talk->now_ns < group->commit_due_ns)
		return SOTTO_OK;
	needs = talk_take(talk, sizeof(*needs));
	if (needs == NULL)
		return SOTTO_ERR_NO_MEMORY;
	TRY(talk_needs_find(talk, group, needs));
	/* Only now: whether somebody is in it who may not be is to be known before anything is sent. */
	if (waits)
		goto out;
	/* What is read there, or that somebody speaks, ends it: no time does. */
	if (talk_gap_everyone(talk, group)) {
		group->commit_due_ns = TALK_NEVER;
		goto out;
	}
	if (needs->stranger && talk_stranger_stays(talk, group))
		goto out;
	/* Looked at again when there is something new, or it is our turn: in a large group looking costs. */
	group->settled = true;
	group->settled_ns = talk->now_ns;
	group->settled_ledger = ledger_length(talk->ledger);
	group->settled_news = talk->news;
	if (!talk_needed(needs)) {
		group->commit_due_ns = TALK_NEVER;
		goto out;
	}
	trigger_of(talk, group, needs, trigger);
	if (group->commit_due_ns == TALK_NEVER ||
	    memcmp(group->commit_trigger, trigger, sizeof(trigger)) != 0 ||
	    (needs->own && !group->commit_own)) {
		memcpy(group->commit_trigger, trigger, sizeof(trigger));
		group->commit_own = needs->own;
		group->commit_due_ns =
			talk->now_ns + wait_ms(talk, group, needs, trigger) * TALK_MS;
	}
	if (talk->now_ns < group->commit_due_ns)
		goto out;
	group->commit_due_ns = TALK_NEVER;
	group->settled = false;
	group->stranger_ns = needs->stranger ? talk->now_ns : group->stranger_ns;
	TRY(commit_now(talk, group, needs));
	if (group->pending.count > 0)
		err = pending_append(talk, group);
out:
	talk_give(talk, needs, sizeof(*needs));
	return err;
}
