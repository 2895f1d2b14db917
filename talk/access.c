/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access keys: what they follow from, and how this phone and its relay come to have the same newest one.
 *
 *   an epoch of *everyone* that removed somebody --> secret s+1, on every phone that is left
 *   admins:   relay has s   --> key_install s+1 (quorum.c)
 *   everyone: relay has s+1 --> key_prove s+1 on this link, within 60 s, or to come out of catch-up
 *
 * The relay pushes nothing of this, so a phone whose newest key the relay has not got asks again: after
 * 2 s, 4 s, ... at most 20 s, which leaves two more tries in the 60 s that a link has.
 */
#include <string.h>

#include "talk/access.h"
#include "talk/problem.h"

#define AGAIN_MS     UINT64_C(2000)
#define AGAIN_MS_MAX UINT64_C(20000)

/* Without a pause: as many keys may be due at once. A relay that says "done" for ever gets no more. */
#define TRIES_MAX TALK_KEYS_MAX

/* From which inboxes and the porch follow: only a link that may append at all can use their tokens. */
const struct talk_access *talk_access_first(const struct talk *talk)
{
	return &talk->access[talk->access_count - 1];
}

enum sotto_err talk_access_next(struct talk *talk, const struct mls_group *mls)
{
	struct talk_access next = {.number = 1};
	enum sotto_err err = mls_group_export(mls, "sotto access 1", BYTES_NONE, next.secret,
					      sizeof(next.secret));

	if (err != SOTTO_OK)
		return err;
	if (talk->access_count > 0)
		next.number = talk->access[0].number + 1;
	/* The first stays; the oldest before it makes room. */
	if (talk->access_count == TALK_ACCESS_MAX) {
		talk->access[TALK_ACCESS_MAX - 2] = talk->access[TALK_ACCESS_MAX - 1];
		talk->access_count--;
	}
	memmove(&talk->access[1], &talk->access[0], talk->access_count * sizeof(talk->access[0]));
	talk->access[0] = next;
	talk->access_count++;
	talk->key_retry_ns = 0;
	talk->key_tries = 0;
	talk->dirty = true;
	bytes_wipe(&next, sizeof(next));
	return SOTTO_OK;
}

/* Who is in *everyone* before a commit, for talk_access_epoch. */
enum sotto_err talk_access_members(const struct talk *talk, const struct talk_group *group,
				   struct talk_blob *members)
{
	size_t size = mls_group_member_count(group->mls) * sizeof(struct talk_seat);
	struct talk_seat *seats = talk_take(talk, size);
	struct bytes key;
	uint32_t cursor = 0;
	uint32_t leaf;
	size_t count = 0;

	if (seats == NULL)
		return SOTTO_ERR_NO_MEMORY;
	for (; mls_group_next_key(group->mls, &cursor, &leaf, &key); count++) {
		seats[count].leaf = leaf;
		memcpy(seats[count].key, key.data, LEDGER_KEY_LEN);
	}
	members->data = (uint8_t *)seats;
	members->len = size;
	return SOTTO_OK;
}

/* Is somebody gone? Leaves are walked side by side; only who is not in his seat is looked for. */
static bool somebody_left(const struct talk_group *group, const struct talk_blob *members)
{
	struct bytes key = BYTES_NONE;
	uint32_t cursor = 0;
	uint32_t leaf = 0;
	bool more = mls_group_next_key(group->mls, &cursor, &leaf, &key);

	for (size_t at = 0; at < members->len; at += sizeof(struct talk_seat)) {
		struct talk_seat seat;

		memcpy(&seat, members->data + at, sizeof(seat));
		while (more && leaf < seat.leaf)
			more = mls_group_next_key(group->mls, &cursor, &leaf, &key);
		if (more && leaf == seat.leaf && bytes_equal(key, BYTES_OF(seat.key)))
			continue;
		if (mls_group_find_member(group->mls, BYTES_OF(seat.key),
					  &(struct mls_member){0}) != SOTTO_OK)
			return true;
	}
	return false;
}

/*
 * *everyone* is in another epoch. All phones that are in it see the same commits, so they count alike; who
 * comes in is given the secrets as they are after the commit that added him.
 */
enum sotto_err talk_access_epoch(struct talk *talk, const struct talk_group *group,
				 const struct talk_blob *members)
{
	enum sotto_err err = SOTTO_OK;

	if (!mls_group_active(group->mls) || !somebody_left(group, members))
		return SOTTO_OK;
	TRY(talk_access_next(talk, group->mls));
	TRY(talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_LINK}));
out:
	return err;
}

const struct talk_access *talk_access_of(const struct talk *talk, uint64_t number)
{
	for (size_t i = 0; i < talk->access_count; i++) {
		if (talk->access[i].number == number)
			return &talk->access[i];
	}
	return NULL;
}

/* Is the relay behind us, so that it has to be asked until it is not? */
bool talk_access_behind(const struct talk *talk)
{
	return talk->key_number != 0 && talk->key_number < talk->access[0].number;
}

static enum sotto_err prove(struct talk *talk, const struct talk_access *access)
{
	struct wire_key_prove request = {.number = access->number};
	uint8_t secret[WIRE_KEY_LEN];
	struct talk_asked *asked;
	enum sotto_err err;

	talk_derive(access, "sotto access key 1", BYTES_NONE, secret);
	wire_key_possession(access->number, secret, talk->exporter, request.mac);
	bytes_wipe(secret, sizeof(secret));
	err = talk_ask(talk, TALK_ASK_PROVE, &wire_key_prove_type, &request, &asked);
	if (err == SOTTO_OK)
		talk->key_ticket = asked->ticket;
	return err;
}

static enum sotto_err ask_state(struct talk *talk)
{
	struct wire_hello hello = {.version = WIRE_VERSION};
	struct talk_asked *asked;
	enum sotto_err err = talk_ask(talk, TALK_ASK_HELLO, &wire_hello_type, &hello, &asked);

	if (err != SOTTO_OK)
		return err;
	talk->key_ask = false;
	talk->key_ticket = asked->ticket;
	return SOTTO_OK;
}

enum sotto_err talk_access_work(struct talk *talk)
{
	const struct talk_access *newest = talk_access_of(talk, talk->key_number);
	enum sotto_err err = talk_quorum_work(talk);

	if (err != SOTTO_OK)
		return err;
	if (talk->key_ticket != 0 || talk->now_ns < talk->key_retry_ns)
		return SOTTO_OK;
	if (talk->key_ask)
		err = ask_state(talk);
	else if (talk->prove_due && newest != NULL)
		err = prove(talk, newest);
	else if (talk_quorum_ready(talk))
		err = talk_quorum_tell(talk);
	else if (talk_quorum_behind(talk))
		err = ask_state(talk);
	return err == SOTTO_ERR_AGAIN ? SOTTO_OK : err;
}

/* When talk_access_work wants to be called again, as long as it has something to do. */
uint64_t talk_access_due(const struct talk *talk)
{
	bool due = talk->key_ask || talk->prove_due || talk_quorum_behind(talk);

	return talk_earlier(talk_quorum_due(talk),
			    due && talk->key_ticket == 0 && talk->key_retry_ns > talk->now_ns
				    ? talk->key_retry_ns
				    : TALK_NEVER);
}

/* A request was refused, or ended without an answer: the link may have fallen to catch-up. */
void talk_access_doubt(struct talk *talk)
{
	if (talk->key_ask)
		return;
	talk->key_ask = true;
	talk->key_retry_ns = talk->now_ns + AGAIN_MS * TALK_MS;
}

static void again_later(struct talk *talk)
{
	uint64_t wait_ms = AGAIN_MS << (talk->key_tries < 4 ? talk->key_tries : 4);

	talk->key_tries++;
	talk->key_retry_ns =
		talk->now_ns + (wait_ms < AGAIN_MS_MAX ? wait_ms : AGAIN_MS_MAX) * TALK_MS;
}

enum sotto_err talk_access_state(struct talk *talk, const struct wire_link_state *state)
{
	bool full = state->authority == WIRE_AUTHORITY_FULL;
	bool catch_up = state->authority == WIRE_AUTHORITY_CATCH_UP;
	bool porch = state->authority == WIRE_AUTHORITY_PORCH && talk_porch_offer(talk);

	if (state->key_number != talk->key_number)
		talk->key_tries = 0;
	talk->authority = state->authority;
	talk->key_number = state->key_number;
	talk->quorum.serial = state->admins_serial;
	talk->link_ready = full;
	talk->prove_due = catch_up || (full && state->prove_within_ms != 0);
	talk_problem_set(talk, TALK_PROBLEM_OLD_KEY, talk->state == TALK_MEMBER && catch_up);
	talk_problem_set(talk, TALK_PROBLEM_REFUSED,
			 state->authority == WIRE_AUTHORITY_NONE ||
				 (talk->state == TALK_MEMBER && !full && !catch_up && !porch));
	/* The founding arrived, and only its answer did not. */
	if (talk->state == TALK_FOUNDING && full)
		return talk_found_done(talk);
	if (!talk_quorum_behind(talk) && !talk->prove_due)
		talk->key_tries = 0;
	else if (talk->key_tries >= TRIES_MAX ||
		 (talk->quorum.due_ns == TALK_NEVER &&
		  !(talk->prove_due && talk_access_of(talk, talk->key_number) != NULL)))
		again_later(talk);
	return SOTTO_OK;
}

/* How an installation or a proof ended. Whatever it was, the relay then says how the link stands: that an
 * installation was not the next one may mean that only the answer to it was lost. */
void talk_access_done(struct talk *talk, const struct talk_asked *asked,
		      const struct wire_done *done)
{
	if (asked->ticket != talk->key_ticket)
		return;
	talk->key_ask = true;
	if (done->status == WIRE_STATUS_OK) {
		talk->key_tries++;
		return;
	}
	if (asked->what == TALK_ASK_HELLO && done->status == WIRE_STATUS_REFUSED)
		talk_problem_set(talk, TALK_PROBLEM_REFUSED, true);
	again_later(talk);
	if (done->retry_ms != 0)
		talk->key_retry_ns = talk->now_ns + done->retry_ms * TALK_MS;
}

/* Of a new link nothing is known yet. */
void talk_access_unlink(struct talk *talk)
{
	talk->key_number = talk->key_ticket = talk->key_retry_ns = 0;
	talk->quorum = (struct talk_quorum){.due_ns = TALK_NEVER};
	talk->prove_due = false;
	talk->key_ask = true;
	talk->key_tries = 0;
}
