/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two histories of one group become one.
 *
 *   doubt: a drop of it was lost or has another history, somebody has another *everyone*, somebody's history gives way
 *     --(rank x 250 ms, unless somebody told the same)--> tells ours: of a conversation in *everyone* (body "branch"), of
 *                                                         *everyone* on the porch, which both sides read
 *   hears another one: where the two part the smaller commit stays; in *everyone* the longer ledger before that
 *     ours stays, or continues it  --> tells ours
 *     it is ours, and further than we are --(TALK_BRANCH_AHEAD_MS)--> asks to be brought back: what leads there is gone
 *     ours goes    --> stands still, asks to be added anew (plea.c); takes a Welcome into the history that stays (back.c)
 *                  --(TALK_BRANCH_VAIN_MS)--> goes on with ours, and asks again once a day; a group is over for us then
 *
 * Only who is a member as we know the group is heard. The relay has no part in it: it can make two histories, and can do
 * nothing then but delay that they become one.
 */
#include <string.h>

#include "crypto/sign.h"
#include "talk/problem.h"
#include "talk/state.h"

#define SHOWN_MS UINT64_C(600000)

static const char notice_label[] = "sotto branch notice 1";

void talk_fork_doubt(struct talk *talk, struct talk_group *group)
{
	(void)talk;
	if (group == NULL || talk_group_over(group) || mls_group_member_count(group->mls) == 1)
		return;
	group->branch.dirty = group->branch.dirty || !group->branch.doubt;
	group->branch.doubt = true;
}

void talk_fork_seen(struct talk *talk)
{
	talk->branched_ns = talk->now_ns;
	talk_fork_doubt(talk, talk->everyone);
}

static bool fork_shown(const struct talk_group *group)
{
	return group->stuck == TALK_STUCK_FORK;
}

bool talk_fork_shown(const struct talk *talk)
{
	list_for_each (element, following, &talk->groups) {
		if (fork_shown(CONTAINER_OF(element, struct talk_group, list)))
			return true;
	}
	return talk->branched_ns != 0 && talk->now_ns < talk->branched_ns + SHOWN_MS * TALK_MS;
}

static void settled(struct talk_branch *branch)
{
	branch->dirty = branch->dirty || branch->doubt;
	branch->doubt = false;
	branch->due_ns = 0;
}

/* ---- Telling ---- */

static void tag_of(const struct talk_group *group, const uint8_t *device_key,
		   const struct talk_mark *newest, uint8_t *tag)
{
	talk_conversation_tag(BYTES_TEXT("sotto branch 1"), group, device_key, newest->epoch,
			      newest->hash, tag);
}

static struct wire_list marks_of(const struct talk_branch *branch)
{
	return (struct wire_list){.items = branch->marks, .count = branch->count};
}

static enum sotto_err conversation_tell(struct talk *talk, struct talk_group *group)
{
	struct talk_branch_body made = {.since = group->branch.since,
					.marks = marks_of(&group->branch)};
	struct talk_blob encoded = {0};
	struct talk_out *out;
	enum sotto_err err = SOTTO_OK;

	tag_of(group, talk->identity.public_key, &group->branch.marks[0], made.tag);
	TRY(talk_encode(talk, &talk_branch_body_type, &made, &encoded));
	TRY(talk_out_put(talk, talk->everyone, TALK_BODY_BRANCH, talk_blob_bytes(&encoded), false,
			 &out));
	settled(&group->branch);
	group->branch.told_ms = talk->utc_ms;
	group->branch.dirty = true;
out:
	talk_blob_clear(talk, &encoded);
	return err;
}

#define SIGNED_MAX (sizeof(notice_label) + LEDGER_HASH_LEN + TALK_BRANCH_CONTENT_MAX)

static enum sotto_err signed_content(const struct talk *talk, struct bytes content,
				     struct writer *writer)
{
	writer_put_bytes(writer, BYTES_TEXT(notice_label));
	writer_put_bytes(writer, BYTES(ledger_network(talk->ledger), LEDGER_HASH_LEN));
	writer_put_bytes(writer, content);
	return writer->err;
}

static enum sotto_err notice_make(struct talk *talk, struct talk_blob *record)
{
	const struct talk_branch *branch = &talk->everyone->branch;
	struct talk_branch_content content = {.stated_ms = talk->utc_ms,
					      .ledger_length = ledger_length(talk->ledger),
					      .since = branch->since,
					      .marks = marks_of(branch)};
	struct talk_branch_notice notice = {.form = TALK_BRANCH_FORM};
	struct talk_blob inner = {0}, whole = {0};
	uint8_t buffer[SIGNED_MAX];
	struct writer writer;
	size_t len;
	enum sotto_err err = SOTTO_OK;

	memcpy(content.device_key, talk->identity.public_key, LEDGER_KEY_LEN);
	memcpy(content.ledger_head, ledger_head(talk->ledger, content.ledger_length),
	       LEDGER_HASH_LEN);
	TRY(talk_encode(talk, &talk_branch_content_type, &content, &inner));
	notice.content = talk_blob_bytes(&inner);
	writer_init_fixed(&writer, buffer, sizeof(buffer));
	TRY(signed_content(talk, notice.content, &writer));
	TRY(sign_create(SIGN_ED25519, NULL, secret_bytes(&talk->identity.private_key),
			writer_bytes(&writer), notice.signature, &len));
	TRY(talk_encode(talk, &talk_branch_notice_type, &notice, &whole));
	TRY(talk_record_seal(talk, &talk->porch, talk_blob_bytes(&whole), record));
out:
	talk_blob_clear(talk, &inner);
	talk_blob_clear(talk, &whole);
	return err;
}

/* SOTTO_ERR_AGAIN: not now. */
static enum sotto_err everyone_tell(struct talk *talk)
{
	struct talk_branch *branch = &talk->everyone->branch;
	struct talk_blob record = {0};
	struct talk_asked *asked;
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(branch->ticket != 0 || talk->now_ns < talk->retry_ns ||
			(talk->authority != WIRE_AUTHORITY_FULL &&
			 talk->authority != WIRE_AUTHORITY_PORCH),
		SOTTO_ERR_AGAIN);
	TRY(notice_make(talk, &record));
	TRY(talk_ask_append(talk, TALK_ASK_APPEND_BRANCH, talk->porch.append_token,
			    talk->porch.read_hash, talk->porch.flags, talk_blob_bytes(&record),
			    &asked));
	branch->ticket = asked->ticket;
out:
	talk_blob_clear(talk, &record);
	return err;
}

void talk_fork_told(struct talk *talk, uint64_t ticket, bool told)
{
	struct talk_branch *branch = talk->everyone == NULL ? NULL : &talk->everyone->branch;

	if (branch == NULL || branch->ticket != ticket)
		return;
	branch->ticket = 0;
	if (!told)
		return;
	settled(branch);
	branch->told_ms = talk->utc_ms;
	branch->dirty = true;
}

/* Ours is what it was when it was last told, or it is to be told: not more often than this. A clock may be set back. */
static bool may_tell(const struct talk *talk, const struct talk_branch *branch)
{
	return branch->told_ms == 0 || talk->utc_ms < branch->told_ms ||
	       talk->utc_ms >= branch->told_ms + TALK_BRANCH_TELL_MS;
}

static bool tells(const struct talk *talk, const struct talk_group *group)
{
	const struct talk_group *everyone = talk->everyone;

	/* What is said in a history of *everyone* that goes not all hear. */
	if (group != everyone && (everyone->branch.doubt || everyone->stuck != TALK_STUCK_NO))
		return false;
	return group->branch.doubt && group->branch.count > 0 && group->branch.ticket == 0 &&
	       !talk_group_over(group) && !talk_stands_still(group) && group->drops[0].at_end &&
	       talk->porch.at_end && talk->everyone->drops[0].at_end;
}

static enum sotto_err group_tell(struct talk *talk, struct talk_group *group)
{
	struct talk_branch *branch = &group->branch;
	uint64_t slot_ms;

	if (!tells(talk, group) || !may_tell(talk, branch))
		return SOTTO_OK;
	if (branch->due_ns == 0) {
		slot_ms = TALK_SPEAK_MS / mls_group_member_count(group->mls);
		slot_ms = slot_ms < TALK_RANK_MS ? slot_ms : TALK_RANK_MS;
		branch->due_ns =
			talk->now_ns +
			talk_rank(talk, group, BYTES_OF(branch->marks[0].hash)) * slot_ms * TALK_MS;
	}
	if (talk->now_ns < branch->due_ns)
		return SOTTO_OK;
	return group->kind == TALK_EVERYONE ? everyone_tell(talk) : conversation_tell(talk, group);
}

/* ---- Waiting ---- */

/* Nobody who is in the other history answers: they are off, or have taken us out, or there is none. */
static enum sotto_err vain_work(struct talk *talk, struct talk_group *group)
{
	struct talk_branch *branch = &group->branch;

	/* The clock was set back. */
	if (branch->vain_ms > talk->utc_ms) {
		branch->vain_ms = talk->utc_ms;
		branch->dirty = true;
	}
	if (group->stuck == TALK_STUCK_FORK &&
	    talk->utc_ms >= group->stuck_ms + TALK_BRANCH_VAIN_MS) {
		group->stuck = TALK_STUCK_NO;
		group->asked_ms = talk->utc_ms;
		group->dirty = true;
		branch->vain_ms = talk->utc_ms;
		branch->dirty = true;
		/* Who is a member of a group may take others out of it. */
		group->left = group->kind == TALK_GROUP;
	} else if (branch->fork != 0 && group->stuck == TALK_STUCK_NO && branch->vain_ms != 0 &&
		   !group->left && talk->utc_ms >= branch->vain_ms + TALK_BRANCH_AGAIN_MS) {
		branch->vain_ms = 0;
		branch->dirty = true;
		return talk_stand_still(talk, group, TALK_STUCK_FORK);
	}
	return SOTTO_OK;
}

static void ahead_forget(struct talk_branch *branch)
{
	branch->ahead = branch->ahead_ns = 0;
	branch->dirty = true;
}

/* We asked, and nobody of those who are further brings us back: who was taken out of a group is not told that he was. */
static void ahead_vain(const struct talk *talk, struct talk_group *group)
{
	if (group->stuck == TALK_STUCK_NO || group->stuck == TALK_STUCK_FORK ||
	    talk->utc_ms < group->stuck_ms + TALK_BRANCH_VAIN_MS)
		return;
	ahead_forget(&group->branch);
	if (group->kind != TALK_GROUP)
		return;
	group->left = true;
	group->stuck = TALK_STUCK_NO;
	group->dirty = true;
}

/* We are as far as they said they are; or what we have read since led us elsewhere, and they learn that from our marks. */
static enum sotto_err ahead_reached(struct talk *talk, struct talk_group *group)
{
	struct talk_branch *branch = &group->branch;
	const struct talk_mark *there;
	enum sotto_err err = talk_branch_note(talk, group);

	if (err != SOTTO_OK)
		return err;
	there = talk_branch_at(branch, branch->ahead);
	if (there != NULL && memcmp(there->hash, branch->ahead_hash, sizeof(there->hash)) != 0)
		talk_fork_doubt(talk, group);
	ahead_forget(branch);
	return SOTTO_OK;
}

static enum sotto_err ahead_work(struct talk *talk, struct talk_group *group)
{
	struct talk_branch *branch = &group->branch;

	if (branch->ahead == 0)
		return SOTTO_OK;
	if (!talk_branch_behind(group) || talk_group_over(group))
		return ahead_reached(talk, group);
	if (!group->drops[0].at_end || group->stuck != TALK_STUCK_NO) {
		branch->ahead_ns = 0;
		ahead_vain(talk, group);
		return SOTTO_OK;
	}
	if (branch->ahead_ns == 0)
		branch->ahead_ns = talk->now_ns;
	if (talk->now_ns < branch->ahead_ns + TALK_BRANCH_AHEAD_MS * TALK_MS)
		return SOTTO_OK;
	branch->ahead_ns = 0;
	return talk_stand_still(talk, group, TALK_STUCK_GAP);
}

enum sotto_err talk_fork_work(struct talk *talk)
{
	enum sotto_err err = SOTTO_OK;

	list_for_each (element, following, &talk->groups) {
		struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		TRY(vain_work(talk, group));
		TRY(ahead_work(talk, group));
		TRY(group_tell(talk, group));
	}
out:
	return err == SOTTO_ERR_AGAIN ? SOTTO_OK : err;
}

static uint64_t until_ns(const struct talk *talk, uint64_t at_ms)
{
	return talk->now_ns + (at_ms > talk->utc_ms ? at_ms - talk->utc_ms : 0) * TALK_MS;
}

uint64_t talk_fork_due(const struct talk *talk)
{
	uint64_t due_ns = TALK_NEVER;

	if (talk->branched_ns != 0 && talk->now_ns < talk->branched_ns + SHOWN_MS * TALK_MS)
		due_ns = talk->branched_ns + SHOWN_MS * TALK_MS;
	if (!talk->link_ready)
		return due_ns;
	list_for_each (element, following, &talk->groups) {
		const struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);
		const struct talk_branch *branch = &group->branch;

		if (group->stuck == TALK_STUCK_FORK)
			due_ns = talk_earlier(
				due_ns, until_ns(talk, group->stuck_ms + TALK_BRANCH_VAIN_MS));
		else if (branch->fork != 0 && branch->vain_ms != 0 && !group->left)
			due_ns = talk_earlier(
				due_ns, until_ns(talk, branch->vain_ms + TALK_BRANCH_AGAIN_MS));
		if (branch->ahead != 0 && group->stuck != TALK_STUCK_NO &&
		    group->stuck != TALK_STUCK_FORK)
			due_ns = talk_earlier(
				due_ns, until_ns(talk, group->stuck_ms + TALK_BRANCH_VAIN_MS));
		if (branch->ahead_ns != 0)
			due_ns = talk_earlier(due_ns,
					      branch->ahead_ns + TALK_BRANCH_AHEAD_MS * TALK_MS);
		if (!tells(talk, group))
			continue;
		if (!may_tell(talk, branch))
			due_ns = talk_earlier(
				due_ns, until_ns(talk, branch->told_ms + TALK_BRANCH_TELL_MS));
		else if (branch->due_ns > talk->now_ns)
			due_ns = talk_earlier(due_ns, branch->due_ns);
	}
	return due_ns;
}

/* ---- Hearing ---- */

/* Ours goes: what leads on is a Welcome into the other one. */
static enum sotto_err fork_lost(struct talk *talk, struct talk_group *group, const uint8_t *key,
				uint64_t at, const struct talk_mark *stays)
{
	struct talk_branch *branch = &group->branch;
	enum sotto_err err = SOTTO_OK;

	if (branch->vain_ms != 0 && talk->utc_ms < branch->vain_ms + TALK_BRANCH_AGAIN_MS)
		return SOTTO_OK;
	settled(branch);
	branch->fork = at;
	branch->vain_ms = 0;
	memcpy(branch->fork_hash, stays->hash, sizeof(branch->fork_hash));
	memcpy(branch->fork_by, key, sizeof(branch->fork_by));
	branch->dirty = true;
	/* What we cannot follow there does not matter any more. */
	if (talk_stands_still(group) && group->stuck != TALK_STUCK_FORK) {
		group->stuck_ms = talk->utc_ms;
		group->asked_ms = 0;
		group->stuck = TALK_STUCK_FORK;
	}
	memset(group->stuck_commit, 0, sizeof(group->stuck_commit));
	memset(group->stuck_author, 0, sizeof(group->stuck_author));
	TRY(talk_stand_still(talk, group, TALK_STUCK_FORK));
	group->dirty = true;
out:
	return err;
}

/* What led there may be gone from the relay, and its author puts it there again for his last epochs only. */
static void ahead_note(const struct talk *talk, struct talk_group *group,
		       const struct talk_branch *theirs)
{
	struct talk_branch *ours = &group->branch;
	uint64_t epoch = theirs->marks[0].epoch;
	bool known = ours->ahead != 0;

	/* A commit of ours that they have read and we have not: we put it there again. */
	if (epoch <= ours->marks[0].epoch || epoch <= ours->ahead ||
	    talk_branch_at(theirs, ours->marks[0].epoch) == NULL ||
	    talk_branch_by_pending(group, theirs))
		return;
	ours->ahead = epoch;
	memcpy(ours->ahead_hash, theirs->marks[0].hash, sizeof(ours->ahead_hash));
	ours->dirty = true;
	/* Who asked before somebody was there who is further asked those who are as far behind. */
	if (group->asked_ms != 0 && talk_in_gap(group)) {
		group->asked_ms = 0;
		group->dirty = true;
	}
	/* Nobody who could have brought us back was there before: it is in vain an hour from now. */
	if (!known && group->stuck != TALK_STUCK_NO && group->stuck != TALK_STUCK_FORK) {
		group->stuck_ms = talk->utc_ms;
		group->dirty = true;
	}
}

/* theirs: borrows nothing. longer: of *everyone*, whose ledger is, 0: neither. recent: it is to be answered. */
static enum sotto_err history_heard(struct talk *talk, struct talk_group *group, const uint8_t *key,
				    const struct talk_branch *theirs, int longer, bool recent)
{
	struct talk_branch *ours = &group->branch;
	enum talk_branches stays;
	uint64_t at;

	if (theirs->count == 0 || ours->count == 0)
		return SOTTO_OK;
	stays = talk_branches_compare(ours, theirs, &at);
	if (stays == TALK_BRANCHES_ONE) {
		const struct talk_mark *same = talk_branch_at(theirs, ours->marks[0].epoch);

		/* Somebody else is in our epoch, and no further. */
		if (recent && same == &theirs->marks[0] && talk_in_gap(group) &&
		    !talk_branch_behind(group)) {
			group->stuck = TALK_STUCK_NO;
			group->dirty = true;
		}
		ahead_note(talk, group, theirs);
		/* It is behind us, and may find others that are: nothing but ours says so. */
		if (recent && theirs->marks[0].epoch < ours->marks[0].epoch)
			talk_fork_doubt(talk, group);
		/* It told what we would tell, and those who came later than we heed it as well as us. */
		if (same != NULL && theirs->since <= ours->since)
			settled(ours);
		return SOTTO_OK;
	}
	talk->branched_ns = talk->now_ns;
	if (stays == TALK_BRANCHES_STRANGE)
		return SOTTO_OK;
	if (longer != 0)
		stays = longer > 0 ? TALK_BRANCHES_FIRST : TALK_BRANCHES_SECOND;
	if (stays == TALK_BRANCHES_SECOND)
		return fork_lost(talk, group, key, at, talk_branch_at(theirs, at));
	if (recent)
		talk_fork_doubt(talk, group);
	return SOTTO_OK;
}

/* Somebody whom we know in this group. Who was taken out, or was never in it, is not heard. */
static bool is_member(const struct talk *talk, const struct talk_group *group, const uint8_t *key)
{
	struct mls_member member;

	return memcmp(key, talk->identity.public_key, LEDGER_KEY_LEN) != 0 &&
	       talk_leaf_allowed(talk, group, key) &&
	       mls_group_find_member(group->mls, BYTES(key, LEDGER_KEY_LEN), &member) == SOTTO_OK;
}

/*
 * Of a device that was in this conversation and is not any more: it was taken out while it was off, and the relay has lost
 * that commit. Our marks show it that there are others, and further.
 */
static void outside_heard(struct talk *talk, struct talk_group *group, const uint8_t *key,
			  const struct talk_branch *theirs)
{
	struct mls_member member;
	uint64_t at;

	if (memcmp(key, talk->identity.public_key, LEDGER_KEY_LEN) != 0 &&
	    ledger_allows_leaf(talk->ledger, key, false) && group->branch.count > 0 &&
	    mls_group_find_member(group->mls, BYTES(key, LEDGER_KEY_LEN), &member) != SOTTO_OK &&
	    theirs->marks[0].epoch < group->branch.marks[0].epoch &&
	    talk_branches_compare(&group->branch, theirs, &at) == TALK_BRANCHES_ONE)
		talk_fork_doubt(talk, group);
}

enum sotto_err talk_fork_receive(struct talk *talk, const uint8_t *key, struct bytes body)
{
	struct talk_branch theirs = {0};
	struct talk_branch_body told;
	uint8_t tag[LEDGER_HASH_LEN];
	enum sotto_err err = SOTTO_OK;

	if (wire_decode(&talk_branch_body_type, body, &told) != SOTTO_OK)
		return SOTTO_OK;
	TRY(talk_branch_take(talk, &theirs, &told.marks));
	theirs.since = told.since;
	list_for_each (element, following, &talk->groups) {
		struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		if (group->kind == TALK_EVERYONE || theirs.count == 0)
			continue;
		tag_of(group, key, &theirs.marks[0], tag);
		if (memcmp(tag, told.tag, sizeof(tag)) != 0)
			continue;
		if (talk_group_over(group))
			TRY(talk_out_say(talk, group));
		else if (is_member(talk, group, key))
			TRY(history_heard(talk, group, key, &theirs, 0, true));
		else
			outside_heard(talk, group, key, &theirs);
	}
out:
	talk_branch_clear(talk, &theirs);
	return err;
}

/* Verified: this device's. */
static enum sotto_err notice_heard(struct talk *talk, const struct talk_branch_content *content)
{
	const uint8_t *head = ledger_head(talk->ledger, content->ledger_length);
	uint64_t length = ledger_length(talk->ledger);
	bool recent = content->stated_ms <= talk->utc_ms + 2 * TALK_ASK_MS &&
		      content->stated_ms + 2 * TALK_ASK_MS >= talk->utc_ms;
	struct talk_branch theirs = {.since = content->since};
	enum sotto_err err = SOTTO_OK;

	/* Equal length, and another head: that no rule heals. */
	if (head != NULL && memcmp(head, content->ledger_head, LEDGER_HASH_LEN) != 0) {
		talk_problem_set(talk, TALK_PROBLEM_FORKED, true);
		return SOTTO_OK;
	}
	TRY(talk_branch_take(talk, &theirs, &content->marks));
	err = history_heard(talk, talk->everyone, content->device_key, &theirs,
			    (content->ledger_length < length) - (content->ledger_length > length),
			    recent);
out:
	talk_branch_clear(talk, &theirs);
	return err;
}

/* Old ones are read again after each start: an old word is still true, but nobody waits for an answer. */
enum sotto_err talk_fork_porch(struct talk *talk, struct bytes opened)
{
	struct talk_branch_content content;
	struct talk_branch_notice notice;
	uint8_t buffer[SIGNED_MAX];
	struct writer writer;

	writer_init_fixed(&writer, buffer, sizeof(buffer));
	if (talk->everyone == NULL ||
	    wire_decode(&talk_branch_notice_type, opened, &notice) != SOTTO_OK ||
	    notice.form != TALK_BRANCH_FORM ||
	    wire_decode(&talk_branch_content_type, notice.content, &content) != SOTTO_OK ||
	    !is_member(talk, talk->everyone, content.device_key) ||
	    signed_content(talk, notice.content, &writer) != SOTTO_OK ||
	    sign_verify(SIGN_ED25519, BYTES_OF(content.device_key), writer_bytes(&writer),
			BYTES_OF(notice.signature)) != SOTTO_OK)
		return SOTTO_OK;
	return notice_heard(talk, &content);
}

/* ---- Coming over ---- */

bool talk_fork_awaits(const struct talk_group *group, uint64_t epoch,
		      const struct talk_branch *came)
{
	const struct talk_branch *branch = &group->branch;
	const struct talk_mark *mark = talk_branch_at(came, branch->fork);

	return branch->fork != 0 && epoch > branch->fork && mark != NULL &&
	       memcmp(mark->hash, branch->fork_hash, sizeof(mark->hash)) == 0;
}

/* What was told in the history of *everyone* that went nobody has heard but those who were in it. */
static void doubt_again(struct talk *talk)
{
	list_for_each (element, following, &talk->groups) {
		struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		if (group == talk->everyone)
			continue;
		talk_fork_doubt(talk, group);
		group->branch.told_ms = 0;
		group->lost_ns = talk->now_ns;
		if (group->stuck == TALK_STUCK_FORK)
			group->asked_ms = 0;
		group->dirty = true;
	}
}

/* What was told or asked in an epoch of *everyone* that the others had left has not been heard either. */
void talk_fork_unheard(struct talk *talk)
{
	list_for_each (element, following, &talk->groups) {
		struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		/* It is told anew, and before that nothing is told of conversations. */
		if (group == talk->everyone) {
			group->branch.told_ms = 0;
			continue;
		}
		if (group->stuck != TALK_STUCK_NO && group->asked_ms != 0) {
			group->asked_ms = 0;
			group->dirty = true;
		}
		/* What was said in its epoch may have been said long ago: that others have gone on shows by nothing else. */
		talk_fork_doubt(talk, group);
		group->branch.told_ms = 0;
		/* Only now those who are further can hear of it, and say so. */
		if (group->branch.doubt)
			group->lost_ns = talk->now_ns;
	}
}

enum sotto_err talk_fork_came(struct talk *talk, struct talk_group *group)
{
	struct talk_branch *branch = &group->branch;
	struct talk_drop at = {.sequence = UINT64_MAX, .epoch = group->drops[0].epoch - 1};
	enum sotto_err err = SOTTO_OK;

	if (branch->fork == 0)
		return SOTTO_OK;
	/* Who asked in the other history, and whom it let in. */
	group->return_count = 0;
	TRY(talk_parcels_drop(talk, group));
	branch->fork = branch->vain_ms = 0;
	memset(branch->fork_hash, 0, sizeof(branch->fork_hash));
	memset(branch->fork_by, 0, sizeof(branch->fork_by));
	branch->dirty = true;
	if (group->kind == TALK_EVERYONE)
		doubt_again(talk);
	else
		err = talk_notice_put(talk, group, &at, 0, TALK_VERB_BRANCHED, 0, BYTES_NONE);
out:
	return err;
}
