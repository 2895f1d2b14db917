/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which commits led to a group's epoch: of each of the last TALK_BRANCH_MAX epochs its confirmed transcript hash, which
 * is a hash over the commit that led there and over everything before it. So two phones whose marks of one epoch are the
 * same have the same history up to it, and where they first differ stand the two commits that the relay showed as the
 * winner. Who comes in by a Welcome gets the marks with it.
 */
#include "talk/branch.h"

#include <string.h>

#include "talk/state.h"

void talk_branch_clear(const struct talk *talk, struct talk_branch *branch)
{
	talk_give(talk, branch->marks, branch->capacity * sizeof(*branch->marks));
	branch->marks = NULL;
	branch->count = branch->capacity = 0;
}

static enum sotto_err room_make(const struct talk *talk, struct talk_branch *branch)
{
	size_t capacity = branch->capacity == 0 ? 4 : 2 * branch->capacity;
	struct talk_mark *larger;

	if (branch->count < branch->capacity)
		return SOTTO_OK;
	larger = talk_take(talk, capacity * sizeof(*larger));
	if (larger == NULL)
		return SOTTO_ERR_NO_MEMORY;
	if (branch->count > 0)
		memcpy(larger, branch->marks, branch->count * sizeof(*larger));
	talk_give(talk, branch->marks, branch->capacity * sizeof(*larger));
	branch->marks = larger;
	branch->capacity = capacity;
	return SOTTO_OK;
}

_Static_assert((TALK_BRANCH_MAX & (TALK_BRANCH_MAX - 1)) == 0, "room doubles up to it");

static void mark_set(const struct mls_context *context, struct talk_mark *mark)
{
	size_t len = context->confirmed_transcript_hash.len;

	*mark = (struct talk_mark){.epoch = context->epoch};
	if (len > 0)
		memcpy(mark->hash, context->confirmed_transcript_hash.data,
		       len < sizeof(mark->hash) ? len : sizeof(mark->hash));
}

static void mark_of(const struct talk_group *group, struct talk_mark *mark)
{
	struct mls_context context;

	mls_group_context(group->mls, &context);
	mark_set(&context, mark);
}

static bool mark_equal(const struct talk_mark *a, const struct talk_mark *b)
{
	return a->epoch == b->epoch && memcmp(a->hash, b->hash, sizeof(a->hash)) == 0;
}

enum sotto_err talk_branch_note(struct talk *talk, struct talk_group *group)
{
	struct talk_branch *branch = &group->branch;
	struct talk_mark mark;
	enum sotto_err err = SOTTO_OK;

	mark_of(group, &mark);
	if (branch->count > 0 && mark_equal(&branch->marks[0], &mark))
		return SOTTO_OK;
	/* Where we are led back nothing of ours leads on from. */
	if (branch->count > 0 && mark.epoch <= branch->marks[0].epoch)
		branch->count = 0;
	if (branch->count == TALK_BRANCH_MAX)
		branch->count--;
	TRY(room_make(talk, branch));
	memmove(branch->marks + 1, branch->marks, branch->count * sizeof(mark));
	branch->marks[0] = mark;
	branch->count++;
	branch->dirty = true;
out:
	return err;
}

enum sotto_err talk_branch_take(struct talk *talk, struct talk_branch *branch,
				const struct wire_list *marks)
{
	struct wire_cursor cursor = wire_list_walk(marks);
	struct talk_mark mark;
	enum sotto_err err = SOTTO_OK;

	branch->count = 0;
	while (branch->count < TALK_BRANCH_MAX && wire_list_next(&cursor, &talk_mark_type, &mark)) {
		if (branch->count > 0 && mark.epoch >= branch->marks[branch->count - 1].epoch)
			break;
		TRY(room_make(talk, branch));
		branch->marks[branch->count++] = mark;
	}
out:
	return err;
}

bool talk_branch_behind(const struct talk_group *group)
{
	return group->branch.ahead > group->drops[0].epoch;
}

bool talk_branch_by_pending(const struct talk_group *group, const struct talk_branch *theirs)
{
	struct mls_context context;
	const struct talk_mark *mark;
	struct talk_mark pending;

	if (!mls_group_pending_context(group->mls, &context))
		return false;
	mark_set(&context, &pending);
	mark = talk_branch_at(theirs, pending.epoch);
	return mark != NULL && mark_equal(mark, &pending);
}

void talk_branch_enter(struct talk *talk, struct talk_group *group, struct talk_branch *came)
{
	struct talk_branch *branch = &group->branch;
	struct talk_mark mark;

	mark_of(group, &mark);
	branch->since = mark.epoch;
	branch->dirty = true;
	if (came->count == 0 || !mark_equal(&came->marks[0], &mark)) {
		/* What we had leads here if nothing was forked. */
		if (branch->fork != 0)
			branch->count = 0;
		talk_branch_clear(talk, came);
		return;
	}
	talk_branch_clear(talk, branch);
	branch->marks = came->marks;
	branch->count = came->count;
	branch->capacity = came->capacity;
	came->marks = NULL;
	came->count = came->capacity = 0;
}

const struct talk_mark *talk_branch_at(const struct talk_branch *branch, uint64_t epoch)
{
	for (size_t i = 0; i < branch->count; i++) {
		if (branch->marks[i].epoch == epoch)
			return &branch->marks[i];
	}
	return NULL;
}

enum talk_branches talk_branches_compare(const struct talk_branch *first,
					 const struct talk_branch *second, uint64_t *at)
{
	const struct talk_mark *ours = NULL, *theirs = NULL;
	bool ancestor = false;

	for (size_t i = 0; i < first->count && !ancestor; i++) {
		const struct talk_mark *other = talk_branch_at(second, first->marks[i].epoch);

		if (other == NULL)
			continue;
		ancestor = mark_equal(&first->marks[i], other);
		if (!ancestor) {
			ours = &first->marks[i];
			theirs = other;
		}
	}
	if (ours == NULL)
		return TALK_BRANCHES_ONE;
	*at = ours->epoch;
	if (!ancestor)
		return TALK_BRANCHES_STRANGE;
	return memcmp(ours->hash, theirs->hash, sizeof(ours->hash)) < 0 ? TALK_BRANCHES_FIRST
									: TALK_BRANCHES_SECOND;
}

/* ---- The store ---- */

enum sotto_err talk_branch_save(struct talk *talk, struct talk_group *group)
{
	struct talk_branch *branch = &group->branch;
	struct talk_kept_branch kept = {
		.version = TALK_STORE_VERSION,
		.marks = {.items = branch->marks, .count = branch->count},
		.since = branch->since,
		.doubt = branch->doubt,
		.told_ms = branch->told_ms,
		.fork = branch->fork,
		.vain_ms = branch->vain_ms,
		.ahead = branch->ahead,
	};
	uint8_t owner[8];

	if (!branch->dirty)
		return SOTTO_OK;
	branch->dirty = false;
	memcpy(kept.fork_hash, branch->fork_hash, sizeof(kept.fork_hash));
	memcpy(kept.fork_by, branch->fork_by, sizeof(kept.fork_by));
	memcpy(kept.ahead_hash, branch->ahead_hash, sizeof(kept.ahead_hash));
	talk_group_owner(group, owner);
	return talk_put(talk, TALK_TABLE_BRANCH, BYTES_OF(owner), 0, &talk_kept_branch_type, &kept);
}

enum sotto_err talk_branch_load(struct talk *talk, struct talk_group *group, struct bytes value)
{
	struct talk_branch *branch = &group->branch;
	struct talk_kept_branch kept;

	if (wire_decode(&talk_kept_branch_type, value, &kept) != SOTTO_OK ||
	    kept.version != TALK_STORE_VERSION)
		return SOTTO_ERR_CORRUPT;
	branch->since = kept.since;
	branch->doubt = kept.doubt != 0;
	branch->told_ms = kept.told_ms;
	branch->fork = kept.fork;
	branch->vain_ms = kept.vain_ms;
	branch->ahead = kept.ahead;
	memcpy(branch->fork_hash, kept.fork_hash, sizeof(branch->fork_hash));
	memcpy(branch->fork_by, kept.fork_by, sizeof(branch->fork_by));
	memcpy(branch->ahead_hash, kept.ahead_hash, sizeof(branch->ahead_hash));
	return talk_branch_take(talk, branch, &kept.marks);
}

enum sotto_err talk_branch_erase(struct talk *talk, const struct talk_group *group)
{
	uint8_t owner[8];

	talk_group_owner(group, owner);
	return store_batch_delete(&talk->batch, TALK_TABLE_BRANCH, BYTES_OF(owner), 0);
}
