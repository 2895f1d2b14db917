/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signs of life in *everyone*: each phone says something there once a day, so that one that is silent is known to
 * be away; an admin's phone does it when no admin has for an hour, and what it states is the time.
 *
 *   no admin's word of the last 24 h read --> "not fresh": what is here may be old, by the relay or because the
 *                                             admins' phones are off. Nothing new is begun; reading goes on
 */
#include <string.h>

#include "talk/problem.h"
#include "talk/state.h"

#define BEACON_MS UINT64_C(86400000)
#define TIME_MS	  UINT64_C(3600000)
#define FRESH_MS  UINT64_C(86400000)

/* Between two steps: by no more than this part, and this, one clock runs faster than the other one. */
#define DRIFT_MOST 8
#define JUMP_MS	   UINT64_C(1000)

/*
 * What the relay's clock shows now. Of our own the one that only goes on shows a jump of the other one; where they do not
 * pass alike otherwise one of them runs wrong, and that must not add up.
 */
static uint64_t relay_clock(const struct talk *talk)
{
	uint64_t passed_ms =
		talk->now_ns > talk->relay_ns ? (talk->now_ns - talk->relay_ns) / TALK_MS : 0;
	uint64_t shown_ms = talk->relay_utc_ms + passed_ms;
	uint64_t drift_ms = JUMP_MS + passed_ms / DRIFT_MOST;
	/* A jump that counts is seen when it begins as when it ends, however long nothing happened before. */
	uint64_t most_ms = drift_ms < TALK_CLOCK_MS / 2 ? drift_ms : TALK_CLOCK_MS / 2;
	bool jumped = talk->utc_ms > shown_ms + most_ms || shown_ms > talk->utc_ms + most_ms;

	return talk->relay_ms + (jumped ? passed_ms : talk->utc_ms - talk->relay_utc_ms);
}

/*
 * By the clock of the relay, which may be wrong, too: then nobody is let in until they agree. It was compared when the link
 * came up; since then a jump of our own shows, and that is taken back when it ends.
 */
static bool clock_wrong(const struct talk *talk)
{
	uint64_t relay_ms = relay_clock(talk);

	return talk->relay_ms != 0 &&
	       (relay_ms > talk->utc_ms + TALK_CLOCK_MS || talk->utc_ms > relay_ms + TALK_CLOCK_MS);
}

/* A clock that was set back makes nothing older. */
static bool words_fresh(const struct talk *talk)
{
	return talk->fresh_ms == 0 || talk->utc_ms < talk->fresh_ms + FRESH_MS;
}

bool talk_fresh(const struct talk *talk)
{
	return words_fresh(talk) && !clock_wrong(talk);
}

/* After every step. */
void talk_fresh_settle(struct talk *talk)
{
	uint32_t both = UINT32_C(1) << TALK_PROBLEM_NOT_FRESH | UINT32_C(1) << TALK_PROBLEM_CLOCK;
	uint32_t before = talk->problems & both;

	if (talk->state == TALK_MEMBER && talk->everyone->drops[0].at_end)
		talk_problem_set(talk, TALK_PROBLEM_NOT_FRESH, !words_fresh(talk));
	talk_problem_set(talk, TALK_PROBLEM_CLOCK, clock_wrong(talk));
	if (talk->relay_ms != 0) {
		talk->relay_ms = clock_wrong(talk) ? relay_clock(talk) : talk->utc_ms;
		talk->relay_utc_ms = talk->utc_ms;
		talk->relay_ns = talk->now_ns;
	}
	/* What was not begun may be begun now. */
	if (before != 0 && (talk->problems & both) == 0)
		talk->news++;
}

static bool is_admin(const struct talk *talk)
{
	return ledger_is_admin(talk->ledger, talk->identity.public_key);
}

/* When the next one is to be sent, by the wall clock. */
static uint64_t beacon_ms(const struct talk *talk)
{
	uint64_t due_ms = talk->beacon_ms == 0 ? 0 : talk->beacon_ms + BEACON_MS;

	if (talk->beacon_ms > talk->utc_ms)
		due_ms = 0; /* the clock was set back */
	if (is_admin(talk) && talk->fresh_ms + TIME_MS < due_ms)
		due_ms = talk->fresh_ms + TIME_MS;
	return due_ms;
}

static bool is_under_way(const struct talk *talk)
{
	list_for_each (element, following, &talk->everyone->outbox) {
		if (CONTAINER_OF(element, struct talk_out, list)->type == TALK_BODY_BEACON)
			return true;
	}
	return false;
}

enum sotto_err talk_beacon_work(struct talk *talk)
{
	struct talk_out *out;

	if (talk->fresh_ms == 0) {
		talk->fresh_ms = talk->utc_ms;
		talk->dirty = true;
	}
	if (!talk_group_current(talk, talk->everyone) || beacon_ms(talk) > talk->utc_ms ||
	    is_under_way(talk))
		return SOTTO_OK;
	return talk_out_put(talk, talk->everyone, TALK_BODY_BEACON, BYTES_NONE, true, &out);
}

static void time_set(struct talk *talk, uint64_t at_ms)
{
	/* What was not begun may be begun now. */
	if (!talk_fresh(talk))
		talk->news++;
	talk->fresh_ms = at_ms;
	talk->dirty = true;
}

/* Ours is durable. */
void talk_beacon_stored(struct talk *talk)
{
	talk->beacon_ms = talk->utc_ms;
	talk->dirty = true;
	if (is_admin(talk))
		time_set(talk, talk->utc_ms);
}

/* A frame in *everyone*. Nobody makes the time later than it is. */
void talk_time_heard(struct talk *talk, const uint8_t *key, uint64_t stated_ms)
{
	uint64_t at_ms = stated_ms < talk->utc_ms ? stated_ms : talk->utc_ms;

	if (at_ms > talk->fresh_ms && ledger_is_admin(talk->ledger, key))
		time_set(talk, at_ms);
}

/* When there is something to send, or to say. */
uint64_t talk_beacon_due(const struct talk *talk)
{
	uint64_t due_ms = beacon_ms(talk);

	if (talk_fresh(talk) && talk->fresh_ms + FRESH_MS < due_ms)
		due_ms = talk->fresh_ms + FRESH_MS;
	return due_ms > talk->utc_ms ? talk->now_ns + (due_ms - talk->utc_ms) * TALK_MS
				     : TALK_NEVER;
}
