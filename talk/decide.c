/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What admins decide: made and signed here, heard from others, and what becomes of it (talk/proposal.c has the picture).
 *
 * Everything from the network is verified whole before it changes anything: each act with the signature of whoever says it.
 */
#include <string.h>

#include "crypto/hash.h"
#include "talk/problem.h"
#include "talk/state.h"

/* ---- Made and signed here ---- */

enum sotto_err talk_propose(struct talk *talk, struct talk_blob *entries, size_t count)
{
	struct talk_proposed *item = talk_proposed_make(talk, entries, count);
	enum sotto_err err;

	if (item == NULL)
		return SOTTO_ERR_NO_MEMORY;
	memset(entries, 0, count * sizeof(*entries));
	item->number = talk_number(talk);
	item->came_ms = talk->utc_ms;
	memcpy(item->by, talk->identity.public_key, LEDGER_KEY_LEN);
	list_append(&talk->proposals, &item->list);
	err = talk_proposed_tell(talk, item, TALK_PROPOSAL_MADE);
	return err;
}

static enum sotto_err entry_sign(struct talk *talk, struct talk_blob *blob)
{
	struct ledger_draft *draft = talk_take(talk, sizeof(*draft));
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(draft == NULL, SOTTO_ERR_NO_MEMORY);
	TRY(ledger_draft_take(draft, ledger_network(talk->ledger), talk_blob_bytes(blob)));
	err = ledger_draft_sign(draft, secret_bytes(&talk->identity.private_key));
	if (err == SOTTO_ERR_EXISTS)
		err = SOTTO_OK;
	TRY(err);
	err = talk_draft_keep(talk, draft, blob);
out:
	talk_give(talk, draft, sizeof(*draft));
	return err;
}

static enum sotto_err decide_check(const struct talk *talk, struct bytes code,
				   struct talk_proposed **item)
{
	if (talk->state != TALK_MEMBER)
		return SOTTO_ERR_STATE;
	*item = talk_proposed_by_code(talk, code);
	if (*item == NULL)
		return SOTTO_ERR_NOT_FOUND;
	if (!ledger_is_admin(talk->ledger, talk->identity.public_key))
		return SOTTO_ERR_DENIED;
	return talk_group_current(talk, talk->everyone) ? SOTTO_OK : SOTTO_ERR_AGAIN;
}

enum sotto_err talk_approve(struct talk *talk, struct bytes code, uint64_t now_ns, uint64_t utc_ms)
{
	struct talk_proposed *item = NULL;
	enum sotto_err err = decide_check(talk, code, &item);

	if (err != SOTTO_OK)
		return err;
	if (talk_proposed_refused(item, item->by))
		return SOTTO_ERR_STATE;
	if (talk_proposed_signed(item, talk->identity.public_key))
		return SOTTO_ERR_EXISTS;
	err = talk_step_begin(talk, now_ns, utc_ms);
	if (err != SOTTO_OK)
		return err;
	for (size_t i = 0; i < item->count; i++)
		TRY(entry_sign(talk, &item->entries[i]));
	/* Who says yes after all has not said no. */
	for (size_t i = 0; i < item->refused_count; i++) {
		if (memcmp(item->refused[i], talk->identity.public_key, LEDGER_KEY_LEN) != 0)
			continue;
		item->refused_count--;
		memmove(item->refused[i], item->refused[i + 1],
			(item->refused_count - i) * LEDGER_KEY_LEN);
	}
	item->said_ms = 0;
	item->due_ns = talk->now_ns;
	talk_proposed_changed(item);
	TRY(talk_proposed_tell(talk, item, TALK_PROPOSAL_SIGNED));
out:
	return talk_step_end(talk, err);
}

static void refused_put(struct talk_proposed *item, const uint8_t *key)
{
	if (talk_proposed_refused(item, key) || item->refused_count == LEDGER_ADMINS_MAX)
		return;
	memcpy(item->refused[item->refused_count++], key, LEDGER_KEY_LEN);
	talk_proposed_changed(item);
}

enum sotto_err talk_refuse(struct talk *talk, struct bytes code, uint64_t now_ns, uint64_t utc_ms)
{
	struct talk_proposed *item = NULL;
	struct talk_refusal refusal;
	struct talk_blob body = {0};
	struct talk_out *out;
	enum sotto_err err = decide_check(talk, code, &item);

	if (err != SOTTO_OK)
		return err;
	if (talk_proposed_refused(item, talk->identity.public_key))
		return SOTTO_ERR_EXISTS;
	err = talk_step_begin(talk, now_ns, utc_ms);
	if (err != SOTTO_OK)
		return err;
	memcpy(refusal.proposal, item->hash, LEDGER_HASH_LEN);
	TRY(talk_encode(talk, &talk_refusal_type, &refusal, &body));
	TRY(talk_out_put(talk, talk->everyone, TALK_BODY_REFUSAL, talk_blob_bytes(&body), false,
			 &out));
	refused_put(item, talk->identity.public_key);
	TRY(talk_proposed_tell(talk, item, TALK_PROPOSAL_REFUSED));
out:
	talk_blob_clear(talk, &body);
	return talk_step_end(talk, err);
}

/* ---- Heard ---- */

/* With the signature of whoever says it, alone, and of acts that could apply: one of them at least. */
static bool said_well(const struct talk *talk, const uint8_t *key, const struct talk_blob *entries,
		      size_t count)
{
	bool open = false;

	for (size_t i = 0; i < count; i++) {
		struct ledger_entry entry;

		if (!talk_proposed_decode(&entries[i], &entry) || entry.signature_count != 1 ||
		    memcmp(entry.signatures[0].key, key, LEDGER_KEY_LEN) != 0 ||
		    ledger_entry_verify(&entry, ledger_network(talk->ledger),
					&entry.signatures[0]) != SOTTO_OK)
			return false;
		open = open || talk_proposed_open(talk, &entries[i]);
	}
	return open;
}

/* Verified: the same acts with one more signature. */
static enum sotto_err signatures_take(struct talk *talk, struct talk_proposed *item,
				      const struct talk_blob *entries)
{
	struct ledger_draft *draft = talk_take(talk, sizeof(*draft));
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(draft == NULL, SOTTO_ERR_NO_MEMORY);
	for (size_t i = 0; i < item->count; i++) {
		struct ledger_entry entry;

		if (!talk_proposed_decode(&entries[i], &entry))
			continue;
		TRY(ledger_draft_take(draft, ledger_network(talk->ledger),
				      talk_blob_bytes(&item->entries[i])));
		if (ledger_draft_put(draft, &entry.signatures[0]) != SOTTO_OK)
			continue;
		TRY(talk_draft_keep(talk, draft, &item->entries[i]));
		talk_proposed_changed(item);
	}
out:
	talk_give(talk, draft, sizeof(*draft));
	return err;
}

static size_t count_by(const struct talk *talk, const uint8_t *key, size_t *all)
{
	size_t count = 0;

	*all = 0;
	list_for_each (element, following, &talk->proposals) {
		count += memcmp(CONTAINER_OF(element, struct talk_proposed, list)->by, key,
				LEDGER_KEY_LEN) == 0;
		++*all;
	}
	return count;
}

static enum sotto_err proposal_heard(struct talk *talk, const uint8_t *key,
				     struct talk_blob *entries, size_t *count)
{
	uint8_t hash[LEDGER_HASH_LEN];
	struct talk_proposed *item;
	size_t all;
	enum sotto_err err = SOTTO_OK;

	if (*count == 0 || !said_well(talk, key, entries, *count))
		return SOTTO_OK;
	talk_proposed_hash(talk, entries, *count, hash);
	item = talk_proposed_find(talk, hash);
	if (item != NULL) {
		bool before = talk_proposed_signed(item, key);

		TRY(signatures_take(talk, item, entries));
		return before ? SOTTO_OK : talk_proposed_tell(talk, item, TALK_PROPOSAL_SIGNED);
	}
	if (count_by(talk, key, &all) >= TALK_PROPOSALS_BY_MAX || all >= TALK_PROPOSALS_MAX)
		return SOTTO_OK;
	item = talk_proposed_make(talk, entries, *count);
	FAIL_IF(item == NULL, SOTTO_ERR_NO_MEMORY);
	*count = 0;
	item->number = talk_number(talk);
	item->came_ms = talk->utc_ms;
	memcpy(item->by, key, LEDGER_KEY_LEN);
	list_append(&talk->proposals, &item->list);
	err = talk_proposed_tell(talk, item, TALK_PROPOSAL_MADE);
out:
	return err;
}

enum sotto_err talk_proposal_receive(struct talk *talk, const uint8_t *key, struct bytes body)
{
	struct talk_blob entries[TALK_PROPOSAL_ACTS_MAX] = {{0}};
	struct talk_proposal proposal;
	size_t count = 0;
	enum sotto_err err = SOTTO_OK;

	if (!ledger_is_admin(talk->ledger, key) ||
	    wire_decode(&talk_proposal_type, body, &proposal) != SOTTO_OK)
		return SOTTO_OK;
	TRY(talk_proposed_take(talk, &proposal.entries, entries, &count));
	err = proposal_heard(talk, key, entries, &count);
out:
	talk_proposed_clear(talk, entries, count);
	return err;
}

enum sotto_err talk_refusal_receive(struct talk *talk, const uint8_t *key, struct bytes body)
{
	struct talk_refusal refusal;
	struct talk_proposed *item;

	if (!ledger_is_admin(talk->ledger, key) ||
	    wire_decode(&talk_refusal_type, body, &refusal) != SOTTO_OK)
		return SOTTO_OK;
	item = talk_proposed_find(talk, refusal.proposal);
	if (item == NULL || talk_proposed_refused(item, key))
		return SOTTO_OK;
	refused_put(item, key);
	return talk_proposed_tell(talk, item, TALK_PROPOSAL_REFUSED);
}

/* ---- What becomes of it ---- */

static enum sotto_err say(struct talk *talk, struct talk_proposed *item)
{
	size_t size = item->count * sizeof(struct talk_entry);
	struct talk_entry *entries = talk_take(talk, size);
	struct talk_blob *alone = talk_take(talk, item->count * sizeof(*alone));
	struct ledger_draft *draft = talk_take(talk, sizeof(*draft));
	struct talk_proposal made;
	struct talk_blob body = {0};
	struct talk_out *out;
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(entries == NULL || alone == NULL || draft == NULL, SOTTO_ERR_NO_MEMORY);
	for (size_t i = 0; i < item->count; i++) {
		TRY(ledger_draft_take(draft, ledger_network(talk->ledger),
				      talk_blob_bytes(&item->entries[i])));
		draft->signature_count = 0;
		TRY(ledger_draft_sign(draft, secret_bytes(&talk->identity.private_key)));
		TRY(talk_draft_keep(talk, draft, &alone[i]));
		entries[i].entry = talk_blob_bytes(&alone[i]);
	}
	made.entries = (struct wire_list){.items = entries, .count = item->count};
	TRY(talk_encode(talk, &talk_proposal_type, &made, &body));
	TRY(talk_out_put(talk, talk->everyone, TALK_BODY_PROPOSAL, talk_blob_bytes(&body), false,
			 &out));
	item->said_ms = talk->utc_ms;
	item->dirty = true;
out:
	if (alone != NULL)
		talk_proposed_clear(talk, alone, item->count);
	talk_blob_clear(talk, &body);
	talk_give(talk, entries, size);
	talk_give(talk, alone, item->count * sizeof(*alone));
	talk_give(talk, draft, sizeof(*draft));
	return err;
}

/* What of it stands in the ledger does not change any more. */
static enum sotto_err submit(struct talk *talk, struct talk_proposed *item)
{
	enum sotto_err err = SOTTO_OK;

	for (size_t i = 0; i < item->count; i++) {
		if (ledger_check(talk->ledger, talk_blob_bytes(&item->entries[i])) == SOTTO_OK)
			TRY(talk_submit(talk, talk_blob_bytes(&item->entries[i])));
	}
	item->submitted_ns = talk->now_ns;
out:
	return err;
}

/* Enough have signed it: who gave the last signature at once, others by rank. */
static enum sotto_err submit_work(struct talk *talk, struct talk_proposed *item)
{
	if (item->needed > 0 || !item->ours) {
		item->due_ns = 0;
		return SOTTO_OK;
	}
	if (item->due_ns == 0)
		item->due_ns =
			talk->now_ns + (talk_rank(talk, talk->everyone, BYTES_OF(item->hash)) + 1) *
					       TALK_PROPOSAL_RANK_MS * TALK_MS;
	if (talk->now_ns < item->due_ns ||
	    (item->submitted_ns != 0 &&
	     talk->now_ns < item->submitted_ns + TALK_PROPOSAL_AGAIN_MS * TALK_MS))
		return SOTTO_OK;
	return submit(talk, item);
}

/* Are so many against it that it cannot come? Who proposed it may withdraw it. */
static bool refused(const struct talk *talk, const struct talk_proposed *item)
{
	uint32_t admins = ledger_admin_count(talk->ledger);
	uint32_t against = 0;

	for (uint32_t i = 0; i < admins; i++)
		against += talk_proposed_refused(item, ledger_admin_at(talk->ledger, i));
	return talk_proposed_refused(item, item->by) ||
	       against > admins - ledger_threshold(talk->ledger);
}

static enum talk_proposal_change outcome(const struct talk *talk, const struct talk_proposed *item)
{
	bool landed = false;

	for (size_t i = 0; i < item->count; i++) {
		struct ledger_entry entry;

		if (!talk_proposed_decode(&item->entries[i], &entry))
			continue;
		if (ledger_has(talk->ledger, entry.act.id))
			landed = true;
		else if (talk_proposed_open(talk, &item->entries[i]))
			return refused(talk, item) ? TALK_PROPOSAL_LAPSED : TALK_PROPOSAL_NONE;
	}
	return landed ? TALK_PROPOSAL_DONE : TALK_PROPOSAL_LAPSED;
}

static void judge(const struct talk *talk, struct talk_proposed *item)
{
	uint32_t threshold = ledger_threshold(talk->ledger);
	uint32_t have = 0;

	if (item->judged == ledger_length(talk->ledger) + 1)
		return;
	for (uint32_t i = 0; i < ledger_admin_count(talk->ledger); i++)
		have += talk_proposed_signed(item, ledger_admin_at(talk->ledger, i));
	item->needed = have < threshold ? threshold - have : 0;
	item->ours = talk_proposed_signed(item, talk->identity.public_key);
	item->became = outcome(talk, item);
	item->judged = ledger_length(talk->ledger) + 1;
}

/* A clock that was set back makes nothing older. */
static bool is_old(const struct talk *talk, const struct talk_proposed *item)
{
	return talk->utc_ms > item->came_ms && talk->utc_ms - item->came_ms > TALK_PROPOSAL_MS;
}

/* Cards of invitations that do not come are worth nothing. */
static enum sotto_err invites_drop(struct talk *talk, const struct talk_proposed *item)
{
	enum sotto_err err = SOTTO_OK;

	for (size_t i = 0; i < item->count; i++) {
		struct ledger_entry entry;
		union ledger_body body;

		if (talk_proposed_decode(&item->entries[i], &entry) &&
		    entry.act.action == LEDGER_AUTHORISE &&
		    !ledger_has(talk->ledger, entry.act.id) &&
		    ledger_body_decode(LEDGER_AUTHORISE, entry.act.body, &body) == SOTTO_OK)
			TRY(talk_invite_fail(talk, body.authorise.invitation_key));
	}
out:
	return err;
}

static enum sotto_err settle(struct talk *talk, struct talk_proposed *item, bool *gone)
{
	enum talk_proposal_change became;
	enum sotto_err err = SOTTO_OK;

	judge(talk, item);
	became = item->became == TALK_PROPOSAL_NONE && is_old(talk, item) ? TALK_PROPOSAL_LAPSED
									  : item->became;
	*gone = became != TALK_PROPOSAL_NONE;
	if (!*gone)
		return SOTTO_OK;
	TRY(talk_proposed_tell(talk, item, became));
	if (memcmp(item->by, talk->identity.public_key, LEDGER_KEY_LEN) == 0)
		TRY(invites_drop(talk, item));
	err = talk_proposed_erase(talk, item);
out:
	return err;
}

static bool say_due(const struct talk *talk, const struct talk_proposed *item)
{
	return item->ours && (item->said_ms == 0 || item->said_ms > talk->utc_ms ||
			      talk->utc_ms - item->said_ms >= TALK_PROPOSAL_SAY_MS);
}

enum sotto_err talk_proposals_work(struct talk *talk)
{
	enum sotto_err err = SOTTO_OK;

	if (list_empty(&talk->proposals) || !talk_group_current(talk, talk->everyone))
		return SOTTO_OK;
	list_for_each (element, following, &talk->proposals) {
		struct talk_proposed *item = CONTAINER_OF(element, struct talk_proposed, list);
		bool gone;

		TRY(settle(talk, item, &gone));
		if (gone)
			continue;
		if (say_due(talk, item))
			TRY(say(talk, item));
		TRY(submit_work(talk, item));
	}
out:
	return err;
}

uint64_t talk_proposals_due(const struct talk *talk)
{
	uint64_t due_ns = TALK_NEVER;

	list_for_each (element, following, &talk->proposals) {
		const struct talk_proposed *item =
			CONTAINER_OF(element, struct talk_proposed, list);
		uint64_t again_ns = item->submitted_ns + TALK_PROPOSAL_AGAIN_MS * TALK_MS;

		if (item->due_ns > talk->now_ns)
			due_ns = talk_earlier(due_ns, item->due_ns);
		else if (item->due_ns != 0 && item->submitted_ns != 0)
			due_ns = talk_earlier(due_ns, again_ns);
		if (item->ours && item->said_ms <= talk->utc_ms &&
		    talk->utc_ms - item->said_ms < TALK_PROPOSAL_SAY_MS)
			due_ns = talk_earlier(due_ns,
					      talk->now_ns + (item->said_ms + TALK_PROPOSAL_SAY_MS -
							      talk->utc_ms) *
								     TALK_MS);
	}
	return due_ns;
}

void talk_proposals_lost(struct talk *talk)
{
	list_for_each (element, following, &talk->proposals) {
		struct talk_proposed *item = CONTAINER_OF(element, struct talk_proposed, list);

		item->said_ms = 0;
		item->dirty = true;
	}
}
