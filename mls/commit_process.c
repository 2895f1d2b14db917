/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processing a commit (RFC 9420 section 12.4.2), and merging what was staged.
 *
 *    public, the same at every member:
 *       resolve proposals -> apply to a successor -> merge path
 *    with our own keys:
 *       provisional context -> open path secret -> transcript, key schedule -> confirmation tag
 */
#include "mls/commit_process.h"

#include "base/assert.h"
#include "mls/external.h"
#include "mls/psk.h"

/* What the next epoch's joiner secret is made of. */
struct commit_secrets {
	struct secret init;
	struct secret commit;
	struct secret psk;
};

static enum sotto_err resolve(const struct mls_group *group, const struct commit_view *commit,
			      struct sender committer, struct proposal_list *list)
{
	struct reader reader;
	enum sotto_err err = SOTTO_OK;

	reader_init(&reader, commit->proposals);
	while (reader_more(&reader)) {
		struct proposal_entry entry;

		proposal_entry_read(&reader, &entry);
		TRY(reader.err);
		if (entry.by_reference) {
			const struct cached_proposal *cached =
				group_find_proposal(group, entry.reference);

			/* 12.4.3.2: a newcomer cannot judge what was proposed inside. */
			FAIL_IF(committer.type != SENDER_MEMBER, SOTTO_ERR_INVALID);
			FAIL_IF(cached == NULL, SOTTO_ERR_NOT_FOUND);
			TRY(proposal_list_put(list, cached->encoded, cached->sender, cached));
		} else {
			/* An update by value would be the committer's own: 12.2. */
			FAIL_IF(entry.proposal.type == MLS_PROPOSAL_UPDATE, SOTTO_ERR_INVALID);
			TRY(proposal_list_put(list, entry.proposal.encoded, committer, NULL));
		}
	}
	TRY(reader_finish(&reader));
out:
	return err;
}

static enum sotto_err derive_epoch(const struct epoch *before, struct epoch *next,
				   const struct framed *framed, const struct commit_secrets *with)
{
	struct secret joiner;
	enum sotto_err err;

	TRY(epoch_advance_transcript(next, before, framed));
	joiner_secret_derive(next->suite, &with->init, &with->commit, writer_bytes(&next->context),
			     &joiner);
	err = epoch_derive(next, &joiner, &with->psk, NULL);
	secret_wipe(&joiner);
	TRY(err);
	TRY(suite_mac_check(next->suite, next->confirmation_tag, framed->confirmation_tag));
	epoch_prune_keys(next);
out:
	return err;
}

/* Validates and applies the list, as the kind of commit asks. */
static enum sotto_err apply_list(struct proposal_list *list, const struct epoch *before,
				 const struct framed *framed, const struct commit_view *commit,
				 struct epoch *next, struct list_outcome *outcome)
{
	if (!commit->has_path && proposal_list_needs_path(list))
		return SOTTO_ERR_INVALID;
	if (framed->sender_type == SENDER_NEW_MEMBER_COMMIT)
		return external_list_apply(list, before, next, &commit->path.leaf, outcome);
	return proposal_list_apply(list, before, next, framed->sender, 0, outcome);
}

/* What every member judges alike: proposals, and the public part of the path. */
static enum sotto_err stage_public(const struct mls_group *group, const struct framed *framed,
				   const struct commit_view *commit, struct proposal_list *list,
				   struct list_outcome *outcome, struct mls_staged *staged)
{
	const struct epoch *before = group->epoch;
	enum sotto_err err;

	TRY(resolve(group, commit, framed_sender(framed), list));
	TRY(epoch_next(before, &staged->next));
	TRY(apply_list(list, before, framed, commit, staged->next, outcome));
	if (commit->has_path)
		TRY(path_merge(staged->next, outcome->committer, &commit->path, &outcome->added,
			       0));
	staged_set_new_leaf(staged, &staged->next->tree, outcome->committer);
	TRY(staged_list_changes(staged, list, &before->tree, &staged->next->tree));
	staged->path = commit->has_path;
	staged->removes_us = outcome->removes_us;
out:
	return err;
}

/* What takes our own keys: the path secret for us, the epoch's secrets, the tag over all of it. */
static enum sotto_err stage_secret(const struct mls_group *group, const struct framed *framed,
				   const struct commit_view *commit,
				   const struct proposal_list *list,
				   const struct list_outcome *outcome, struct epoch *next)
{
	struct psk_finder finder = group_psk_finder(group);
	struct commit_secrets with = {.init = group->epoch->secrets.init};
	enum sotto_err err;

	secret_zero(next->suite, &with.commit);
	if (commit->has_path) {
		TRY(epoch_write_context(next)); /* provisional */
		TRY(path_open(next, outcome->committer, &commit->path, &outcome->added,
			      &with.commit));
	}
	TRY(psk_secret_of_list(&finder, list, &with.psk));
	if (framed->sender_type == SENDER_NEW_MEMBER_COMMIT)
		TRY(external_init_open(group->epoch, list, &with.init));
	TRY(derive_epoch(group->epoch, next, framed, &with));
out:
	bytes_wipe(&with, sizeof(with));
	return err;
}

/* Not a lack of memory or the like: the commit's secrets are not for us. */
static bool cannot_follow(enum sotto_err err)
{
	return err == SOTTO_ERR_VERIFY || err == SOTTO_ERR_INVALID || err == SOTTO_ERR_NOT_FOUND;
}

enum sotto_err commit_stage(const struct mls_group *group, const struct opened *opened,
			    struct mls_staged *staged)
{
	const struct framed *framed = &opened->framed;
	struct list_outcome outcome = {0};
	struct commit_view commit;
	struct proposal_list list;
	struct reader reader;
	enum sotto_err err;

	proposal_list_init(&list, group->config.allocator);
	reader_init(&reader, framed->body);
	commit_read(&reader, &commit);
	TRY(reader_finish(&reader));
	TRY(stage_public(group, framed, &commit, &list, &outcome, staged));
	if (outcome.removes_us) {
		epoch_destroy(staged->next);
		staged->next = NULL;
		goto out;
	}
	err = stage_secret(group, framed, &commit, &list, &outcome, staged->next);
	if (group->config.stage_unfollowable && cannot_follow(err)) {
		/* Its extensions stay to be looked at; nothing else of it is right. */
		staged->kind = MLS_STAGED_UNFOLLOWABLE;
		epoch_secrets_wipe(&staged->next->secrets);
		bytes_wipe(&staged->next->keys, sizeof(staged->next->keys));
		err = SOTTO_OK;
	}
out:
	list_outcome_finish(&outcome, group->config.allocator);
	proposal_list_finish(&list);
	return err;
}

/* ---- Step two ---- */

/* A commit that removes us was accepted: what remains can open late messages, and no more. */
static void end_membership(struct mls_group *group)
{
	group_drop_pending(group);
	mls_group_drop_proposals(group);
	group->active = false;
	epoch_retire(group->epoch);
	secret_wipe(&group->epoch->secrets.resumption);
}

static enum sotto_err merge_proposal(struct mls_group *group, struct mls_staged *staged)
{
	enum sotto_err err = group_reserve_proposal(group);
	struct bytes ref = BYTES(staged->proposal->ref, suite_hash_len(group->suite));

	if (err != SOTTO_OK)
		return err;
	if (group_find_proposal(group, ref) != NULL)
		return SOTTO_ERR_EXISTS;
	group_put_proposal(group, staged->proposal);
	staged->proposal = NULL;
	return SOTTO_OK;
}

enum sotto_err mls_group_apply_pending(struct mls_group *group)
{
	struct mls_staged *pending = group->pending;

	if (pending == NULL || !group->active)
		return SOTTO_ERR_STATE;
	group->pending = NULL;
	group_advance(group, pending->next);
	pending->next = NULL;
	mls_staged_destroy(pending);
	return SOTTO_OK;
}

bool mls_group_has_pending(const struct mls_group *group)
{
	return group->pending != NULL;
}

bool mls_group_pending_context(const struct mls_group *group, struct mls_context *context)
{
	if (group->pending == NULL || group->pending->next == NULL)
		return false;
	epoch_context_view(group->pending->next, context);
	return true;
}

static enum sotto_err merge(struct mls_group *group, struct mls_staged *staged)
{
	enum sotto_err err = SOTTO_OK;

	switch (staged->kind) {
	case MLS_STAGED_OWN_COMMIT:
		return mls_group_apply_pending(group);
	case MLS_STAGED_PROPOSAL:
		err = merge_proposal(group, staged);
		break;
	case MLS_STAGED_COMMIT:
		break;
	case MLS_STAGED_UNFOLLOWABLE:
		return SOTTO_ERR_STATE;
	}
	if (err != SOTTO_OK)
		return err;
	if (staged->consumes)
		secret_tree_consume(&group->epoch->secret_tree, staged->origin.leaf,
				    RATCHET_HANDSHAKE, staged->origin.generation);
	if (staged->kind != MLS_STAGED_COMMIT)
		return SOTTO_OK;
	if (staged->removes_us) {
		end_membership(group);
	} else {
		/* Another commit has won: ours can never be accepted any more. */
		group_drop_pending(group);
		group_advance(group, staged->next);
		staged->next = NULL;
	}
	return SOTTO_OK;
}

enum sotto_err mls_group_merge(struct mls_group *group, struct mls_staged **staged)
{
	enum sotto_err err;

	ASSERT((*staged)->config == &group->config);
	if (!group->active || (*staged)->epoch != group->epoch->number)
		return SOTTO_ERR_STATE;
	err = merge(group, *staged);
	if (err == SOTTO_OK) {
		mls_staged_destroy(*staged);
		*staged = NULL;
	}
	return err;
}
