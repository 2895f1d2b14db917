/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A phone that cannot follow a group any more says so, and asks to be added anew. Nobody has to do anything.
 *
 *   a conversation  --> body "stuck" in *everyone*: only its members know which one is meant
 *   *everyone*      --> a plea on the porch, which all members read: there is nothing else that this phone
 *                       and they have in common. On a link in catch-up nothing can be appended; the porch's
 *                       key, which every member can compute, opens one on which the plea and our inbox can
 *
 *   stands still --(TALK_WELCOME_MS where a Welcome is on its way, TALK_GAP_ASK_MS in a gap)--> asks
 *                --(each TALK_ASK_MS)--> asks again, until it is back (back.c)
 *
 * Where the relay lost the drop, all say that they are there (life.c), and only who hears nobody asks.
 *
 * Who asks without a reason gets nothing but a new leaf, once each TALK_READD_MS.
 */
#include <string.h>

#include "crypto/hash.h"
#include "crypto/sign.h"
#include "talk/state.h"

static const char plea_label[] = "sotto plea 1";

bool talk_stands_still(const struct talk_group *group)
{
	return group->stuck == TALK_STUCK_COMMIT || group->stuck == TALK_STUCK_READDED ||
	       group->stuck == TALK_STUCK_FORK;
}

bool talk_in_gap(const struct talk_group *group)
{
	return group->stuck == TALK_STUCK_GAP || group->stuck == TALK_STUCK_LOST;
}

bool talk_gap_waits(const struct talk *talk, const struct talk_group *group)
{
	return talk_in_gap(group) && talk->utc_ms < group->stuck_ms + TALK_GAP_MS;
}

bool talk_gap_everyone(const struct talk *talk, const struct talk_group *group)
{
	return group->kind == TALK_EVERYONE && !group->blocked && talk_in_gap(group) &&
	       talk->utc_ms < group->stuck_ms + TALK_GAP_EVERYONE_MS;
}

enum sotto_err talk_stand_still(struct talk *talk, struct talk_group *group,
				enum talk_stuck_why why)
{
	struct talk_drop *drop = &group->drops[0];
	enum sotto_err err = SOTTO_OK;

	if (talk_stands_still(group))
		return SOTTO_OK;
	if (group->stuck != why) {
		group->stuck_ms = talk->utc_ms;
		group->asked_ms = 0;
	}
	group->stuck = why;
	group->dirty = true;
	if (!talk_stands_still(group))
		return SOTTO_OK;
	TRY(talk_commit_lost(talk, group));
	TRY(talk_cancel(talk, drop->ticket));
	drop->ticket = 0;
	drop->at_end = drop->watched = false;
out:
	return err;
}

/* ---- Asking ---- */

void talk_conversation_tag(struct bytes label, const struct talk_group *group,
			   const uint8_t *device_key, uint64_t epoch, const uint8_t *hash,
			   uint8_t *tag)
{
	struct hash state;
	uint8_t number[8];

	for (size_t i = 0; i < sizeof(number); i++)
		number[i] = (uint8_t)(epoch >> (56 - 8 * i));
	hash_init(&state, HASH_SHA256);
	hash_update(&state, label);
	hash_update(&state, BYTES_OF(group->id));
	hash_update(&state, BYTES(device_key, LEDGER_KEY_LEN));
	hash_update(&state, BYTES_OF(number));
	hash_update(&state, BYTES(hash, WIRE_HASH_LEN));
	hash_final(&state, tag);
}

static void tag_of(const struct talk_group *group, const uint8_t *device_key,
		   const struct talk_stuck *stuck, uint8_t *tag)
{
	talk_conversation_tag(BYTES_TEXT("sotto stuck 1"), group, device_key, stuck->epoch,
			      stuck->commit, tag);
}

/* Does one wait to be sent already? */
static bool reported(const struct talk *talk, struct bytes body)
{
	list_for_each (element, following, &talk->everyone->outbox) {
		const struct talk_out *out = CONTAINER_OF(element, struct talk_out, list);

		if (out->type == TALK_BODY_STUCK && bytes_equal(talk_blob_bytes(&out->body), body))
			return true;
	}
	return false;
}

/* As others are told. */
static uint8_t reason_of(const struct talk_group *group)
{
	if (group->stuck == TALK_STUCK_FORK)
		return TALK_REASON_FORK;
	return (uint8_t)(talk_in_gap(group) ? TALK_STUCK_GAP : group->stuck);
}

static enum sotto_err stuck_report(struct talk *talk, const struct talk_group *group,
				   uint8_t reason)
{
	struct talk_stuck stuck = {.reason = reason, .epoch = group->drops[0].epoch};
	struct talk_blob body = {0};
	struct talk_out *out;
	enum sotto_err err = SOTTO_OK;

	memcpy(stuck.commit, group->stuck_commit, sizeof(stuck.commit));
	memcpy(stuck.author, group->stuck_author, sizeof(stuck.author));
	tag_of(group, talk->identity.public_key, &stuck, stuck.tag);
	TRY(talk_encode(talk, &talk_stuck_type, &stuck, &body));
	if (!reported(talk, talk_blob_bytes(&body)))
		err = talk_out_put(talk, talk->everyone, TALK_BODY_STUCK, talk_blob_bytes(&body),
				   false, &out);
out:
	talk_blob_clear(talk, &body);
	return err;
}

enum sotto_err talk_out_say(struct talk *talk, struct talk_group *group)
{
	/* Another Welcome may have come since. Nor is it said to each who tells of the group. */
	if (mls_group_active(group->mls) || !talk->inbox.at_end || !list_empty(&talk->coming) ||
	    (group->asked_ms != 0 && talk->utc_ms >= group->asked_ms &&
	     talk->utc_ms < group->asked_ms + TALK_BRANCH_AGAIN_MS))
		return SOTTO_OK;
	group->asked_ms = talk->utc_ms;
	group->dirty = true;
	return stuck_report(talk, group, TALK_REASON_OUT);
}

static struct bytes signed_content(const struct talk *talk, struct bytes content, uint8_t *buffer,
				   size_t room)
{
	struct writer writer;

	writer_init_fixed(&writer, buffer, room);
	writer_put_bytes(&writer, BYTES_TEXT(plea_label));
	writer_put_bytes(&writer, BYTES(ledger_network(talk->ledger), LEDGER_HASH_LEN));
	writer_put_bytes(&writer, content);
	return writer_bytes(&writer);
}

#define SIGNED_MAX (sizeof(plea_label) + LEDGER_HASH_LEN + TALK_PLEA_MAX)

static enum sotto_err plea_make(struct talk *talk, const struct talk_group *group,
				struct talk_blob *record)
{
	struct talk_plea_content content = {.stated_ms = talk->utc_ms,
					    .epoch = group->drops[0].epoch,
					    .reason = reason_of(group)};
	struct talk_plea plea = {.form = TALK_PLEA_FORM};
	struct talk_blob inner = {0}, whole = {0};
	uint8_t buffer[SIGNED_MAX];
	size_t len;
	enum sotto_err err = SOTTO_OK;

	memcpy(content.device_key, talk->identity.public_key, LEDGER_KEY_LEN);
	memcpy(content.commit, group->stuck_commit, sizeof(content.commit));
	memcpy(content.author, group->stuck_author, sizeof(content.author));
	TRY(talk_encode(talk, &talk_plea_content_type, &content, &inner));
	plea.content = talk_blob_bytes(&inner);
	TRY(sign_create(SIGN_ED25519, NULL, secret_bytes(&talk->identity.private_key),
			signed_content(talk, plea.content, buffer, sizeof(buffer)), plea.signature,
			&len));
	TRY(talk_encode(talk, &talk_plea_type, &plea, &whole));
	TRY(talk_record_seal(talk, &talk->porch, talk_blob_bytes(&whole), record));
out:
	talk_blob_clear(talk, &inner);
	talk_blob_clear(talk, &whole);
	return err;
}

/* SOTTO_ERR_AGAIN: not now. */
static enum sotto_err plea_post(struct talk *talk, const struct talk_group *group)
{
	struct talk_blob record = {0};
	struct talk_asked *asked;
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(talk->plea_ticket != 0 || talk->now_ns < talk->retry_ns ||
			(talk->authority != WIRE_AUTHORITY_FULL &&
			 talk->authority != WIRE_AUTHORITY_PORCH),
		SOTTO_ERR_AGAIN);
	TRY(plea_make(talk, group, &record));
	TRY(talk_ask_append(talk, TALK_ASK_APPEND_PLEA, talk->porch.append_token,
			    talk->porch.read_hash, talk->porch.flags, talk_blob_bytes(&record),
			    &asked));
	talk->plea_ticket = asked->ticket;
out:
	talk_blob_clear(talk, &record);
	return err;
}

/* When this group is to be asked for, by the wall clock; UINT64_MAX: not at all. */
static uint64_t ask_ms(const struct talk *talk, const struct talk_group *group)
{
	uint64_t asked_ms = group->asked_ms;

	/* A clock that was set back does not make it wait for ever. */
	if (asked_ms != 0 && asked_ms <= talk->utc_ms) {
		if (group->stuck == TALK_STUCK_LOST && asked_ms > group->stuck_ms + TALK_ASK_MS)
			return asked_ms + (asked_ms - group->stuck_ms);
		return asked_ms + TALK_ASK_MS;
	}
	switch (group->stuck) {
	case TALK_STUCK_COMMIT:
	case TALK_STUCK_FORK:
		return group->stuck_ms;
	case TALK_STUCK_READDED:
		return group->stuck_ms + TALK_WELCOME_MS;
	case TALK_STUCK_GAP:
		return group->stuck_ms + TALK_GAP_ASK_MS;
	case TALK_STUCK_LOST:
		return group->stuck_ms + TALK_LOST_ASK_MS;
	case TALK_STUCK_NO:
		break;
	}
	return UINT64_MAX;
}

static bool ask_due(const struct talk *talk, const struct talk_group *group)
{
	return ask_ms(talk, group) <= talk->utc_ms && talk->inbox.at_end &&
	       (!talk_in_gap(group) || group->drops[0].at_end ||
		talk->authority == WIRE_AUTHORITY_PORCH);
}

/* In catch-up nothing can be appended: another link is wanted for it. */
static enum sotto_err porch_want(struct talk *talk)
{
	bool wanted = talk->everyone->stuck != TALK_STUCK_NO &&
		      (talk->porch_wanted || (talk->authority == WIRE_AUTHORITY_CATCH_UP &&
					      ask_due(talk, talk->everyone)));

	if (wanted == talk->porch_wanted)
		return SOTTO_OK;
	talk->porch_wanted = wanted;
	return talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_LINK});
}

bool talk_porch_offer(const struct talk *talk)
{
	const struct talk_group *everyone = talk->everyone;

	if (talk->state != TALK_MEMBER || everyone == NULL)
		return false;
	return talk->porch_wanted || (everyone->read_ms != 0 && talk->utc_ms > everyone->read_ms &&
				      talk->utc_ms - everyone->read_ms >= TALK_PORCH_MS);
}

/* When the porch's key is to be tried, too, if the others open nothing; links are not needed for that. */
uint64_t talk_porch_due(const struct talk *talk)
{
	const struct talk_group *everyone = talk->everyone;
	uint64_t due_ms;

	if (talk->state != TALK_MEMBER || everyone == NULL || talk->porch_offered ||
	    talk->link_ready || everyone->read_ms == 0)
		return TALK_NEVER;
	/* Loaded, and no step with a clock yet. */
	if (talk->utc_ms == 0)
		return talk->now_ns;
	due_ms = everyone->read_ms + TALK_PORCH_MS;
	return talk->now_ns + (due_ms > talk->utc_ms ? due_ms - talk->utc_ms : 0) * TALK_MS;
}

/*
 * The relay has an access key that was made in a later epoch than where *everyone* ends for us: so there is one, and
 * what leads there is not in the drop, nor does its author put it there again.
 */
static enum sotto_err old_key_look(struct talk *talk)
{
	bool old = talk->authority == WIRE_AUTHORITY_CATCH_UP &&
		   talk->key_number > talk->access[0].number && talk->everyone->drops[0].at_end;

	if (!old)
		talk->old_key_ns = 0;
	else if (talk->old_key_ns == 0)
		talk->old_key_ns = talk->now_ns;
	if (!old || talk->everyone->stuck != TALK_STUCK_NO ||
	    talk->now_ns < talk->old_key_ns + TALK_LOST_ASK_MS * TALK_MS)
		return SOTTO_OK;
	return talk_stand_still(talk, talk->everyone, TALK_STUCK_GAP);
}

/* Where the clock was set back, what is waited for is waited for from now on. */
static void stuck_clock(struct talk *talk)
{
	list_for_each (element, following, &talk->groups) {
		struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		if (group->stuck == TALK_STUCK_NO || group->stuck_ms <= talk->utc_ms)
			continue;
		group->stuck_ms = talk->utc_ms;
		group->asked_ms = 0;
		group->dirty = true;
	}
}

enum sotto_err talk_plea_work(struct talk *talk)
{
	enum sotto_err err = SOTTO_OK;

	/* None of our access keys opens a link: what leads on, if anything does, is our inbox. */
	if (talk->authority == WIRE_AUTHORITY_PORCH && talk_porch_offer(talk))
		TRY(talk_stand_still(talk, talk->everyone, TALK_STUCK_GAP));
	TRY(old_key_look(talk));
	stuck_clock(talk);
	TRY(porch_want(talk));
	list_for_each (element, following, &talk->groups) {
		struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		if (group->stuck == TALK_STUCK_NO || !ask_due(talk, group))
			continue;
		/* A report waits in the outbox; of a plea it is not known yet that it is there. */
		if (group == talk->everyone) {
			err = plea_post(talk, group);
		} else if (talk->link_ready && talk->everyone->stuck == TALK_STUCK_NO) {
			TRY(stuck_report(talk, group, reason_of(group)));
			group->asked_ms = talk->utc_ms;
			group->dirty = true;
		}
		if (err != SOTTO_OK && err != SOTTO_ERR_AGAIN)
			goto out;
		err = SOTTO_OK;
	}
out:
	return err;
}

/* When there is something to ask, or a gap is not waited for any longer. */
uint64_t talk_plea_due(const struct talk *talk)
{
	uint64_t due_ms = UINT64_MAX;
	uint64_t due_ns = TALK_NEVER;

	if (talk->old_key_ns != 0 && talk->everyone->stuck == TALK_STUCK_NO)
		due_ns = talk->old_key_ns + TALK_LOST_ASK_MS * TALK_MS;
	list_for_each (element, following, &talk->groups) {
		const struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);
		uint64_t at_ms = ask_ms(talk, group);

		if (at_ms > talk->utc_ms && at_ms < due_ms)
			due_ms = at_ms;
		if (talk_gap_waits(talk, group) && group->stuck_ms + TALK_GAP_MS < due_ms)
			due_ms = group->stuck_ms + TALK_GAP_MS;
	}
	if (due_ms == UINT64_MAX)
		return due_ns;
	due_ms = (due_ms - talk->utc_ms) * TALK_MS;
	return due_ns < talk->now_ns + due_ms ? due_ns : talk->now_ns + due_ms;
}

/* ---- Being asked ---- */

/* It is no further than we are, and we do not know either whether there is more: whoever speaks leads both on. */
static bool same_boat(const struct talk_group *group, uint8_t reason, uint64_t epoch)
{
	return group->stuck == TALK_STUCK_LOST && reason == TALK_STUCK_GAP &&
	       epoch == group->drops[0].epoch;
}

/*
 * It is further than we are, and we do not know whether all are here: by a commit of ours it would come back to where all
 * others have left. Where we know, it was in another history.
 */
static bool is_further(const struct talk_group *group, uint8_t reason, uint64_t epoch)
{
	return reason != TALK_REASON_FORK && epoch > group->drops[0].epoch &&
	       (group->stuck != TALK_STUCK_NO || group->branch.doubt || talk_branch_behind(group));
}

/* When all others say that they are behind us, or that our history stays, nobody has gone on without us. */
static void asked_from(struct talk *talk, struct talk_group *group, const uint8_t *key,
		       uint8_t reason, uint64_t epoch)
{
	if (same_boat(group, reason, epoch) || is_further(group, reason, epoch))
		return;
	talk_return_want(talk, group, key, TALK_RETURN_ASKED);
	if (group->stuck == TALK_STUCK_LOST &&
	    (reason == TALK_REASON_FORK || epoch < group->drops[0].epoch) &&
	    talk_returns_all(talk, group))
		group->stuck = TALK_STUCK_NO;
}

/* Only who is in the conversation knows which one is meant, and only who is in it is added anew. */
enum sotto_err talk_stuck_receive(struct talk *talk, const uint8_t *key, struct bytes body)
{
	struct talk_stuck stuck;
	struct mls_member member;
	uint8_t tag[LEDGER_HASH_LEN];
	enum sotto_err err = SOTTO_OK;

	if (wire_decode(&talk_stuck_type, body, &stuck) != SOTTO_OK)
		return SOTTO_OK;
	list_for_each (element, following, &talk->groups) {
		struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		if (group->kind == TALK_EVERYONE || !mls_group_active(group->mls))
			continue;
		tag_of(group, key, &stuck, tag);
		if (memcmp(tag, stuck.tag, sizeof(tag)) != 0)
			continue;
		if (mls_group_find_member(group->mls, BYTES(key, LEDGER_KEY_LEN), &member) !=
		    SOTTO_OK) {
			/* It was taken out, and does not know: our marks show that there are others, and further. */
			if (stuck.reason != TALK_REASON_OUT &&
			    ledger_allows_leaf(talk->ledger, key, false))
				talk_fork_doubt(talk, group);
		} else if (stuck.reason == TALK_REASON_OUT) {
			TRY(talk_left_note(talk, group, key));
		} else {
			asked_from(talk, group, key, stuck.reason, stuck.epoch);
		}
	}
out:
	return err;
}

/* A record of the porch that is no petition. Old ones are read again after each start. */
enum sotto_err talk_plea_receive(struct talk *talk, struct bytes opened)
{
	struct talk_plea_content content;
	struct talk_plea plea;
	uint8_t buffer[SIGNED_MAX];

	if (wire_decode(&talk_plea_type, opened, &plea) != SOTTO_OK ||
	    plea.form != TALK_PLEA_FORM ||
	    wire_decode(&talk_plea_content_type, plea.content, &content) != SOTTO_OK ||
	    content.stated_ms > talk->utc_ms + 2 * TALK_ASK_MS ||
	    content.stated_ms + 2 * TALK_ASK_MS < talk->utc_ms ||
	    !ledger_allows_leaf(talk->ledger, content.device_key, false) ||
	    sign_verify(SIGN_ED25519, BYTES_OF(content.device_key),
			signed_content(talk, plea.content, buffer, sizeof(buffer)),
			BYTES_OF(plea.signature)) != SOTTO_OK)
		return SOTTO_OK;
	asked_from(talk, talk->everyone, content.device_key, content.reason, content.epoch);
	return SOTTO_OK;
}
