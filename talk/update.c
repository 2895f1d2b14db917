/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Updates.
 *
 *   leaf older than N x 72 min, and than 12 h where something was said since
 *                                        24 h in *everyone*                    --> due
 *                                        28 days where nobody says anything
 *   leaf with which we came into *everyone*                                      --> due
 *   due, the conversation has a commit in hand, and nothing is in the way      --> made, by rank (commit.c)
 *
 * It is looked at once an hour, and whenever a group is looked at anyway: no timer wakes a phone for it. A clock
 * decides only what is made; whether a commit counts no clock says.
 */
#include "talk/update.h"

#include "talk/policy.h"
#include "talk/problem.h"
#include "talk/state.h"

#define DAY_MS UINT64_C(86400000)
#define FIRST  UINT64_C(0) /* our leaf became what it is before we were here */

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void talk_update_begin(const struct talk *talk, struct talk_group *group)
{
	group->pace = (struct talk_pace){
		.leaf_ms = talk->utc_ms,
		.spent_ms = talk->utc_ms + TALK_UPDATE_AHEAD * TALK_UPDATE_MS,
	};
	group->dirty = true;
}

void talk_update_first(struct talk_group *group)
{
	group->pace.leaf_ms = FIRST;
	group->dirty = true;
}

/*
 * What was read while it came is counted from now on. What is read by a phone that was off was made while it was:
 * it is counted from where the count stood, and the time that is left over is there for our own.
 */
void talk_update_epoch(const struct talk *talk, struct talk_group *group)
{
	struct talk_pace *pace = &group->pace;

	if (group->drops[0].at_end)
		pace->spent_ms = later(pace->spent_ms, talk->utc_ms);
	pace->spent_ms += TALK_UPDATE_MS;
	group->dirty = true;
}

void talk_update_won(const struct talk *talk, struct talk_group *group)
{
	group->pace.leaf_ms = talk->utc_ms;
	group->pace.used = false;
	group->dirty = true;
}

void talk_update_used(const struct talk *talk, struct talk_group *group, uint8_t type)
{
	/* What phones say by themselves is no use of a conversation. */
	if (type == TALK_BODY_RECEIPT || type == TALK_BODY_BEACON ||
	    type == TALK_BODY_KEY_PACKAGE || type == TALK_BODY_STUCK || type == TALK_BODY_BRANCH ||
	    type == TALK_BODY_PROPOSAL || type == TALK_BODY_APPROVAL)
		return;
	if (type == TALK_BODY_CALL)
		group->pace.call_ns = talk->now_ns;
	if (group->pace.used)
		return;
	group->pace.used = true;
	group->dirty = true;
}

/* A clock that was set, back or forth and back, makes no leaf young for longer than it takes, nor a day's commits more. */
static void pace_settle(const struct talk *talk, struct talk_pace *pace)
{
	if (pace->leaf_ms > talk->utc_ms)
		pace->leaf_ms = talk->utc_ms;
	if (pace->spent_ms > talk->utc_ms + DAY_MS)
		pace->spent_ms = talk->utc_ms + DAY_MS;
}

/* Of two one-to-one conversations of the same people nothing is said any more in the one that does not stay. */
static bool is_over(const struct talk *talk, const struct talk_group *group)
{
	return mls_group_member_count(group->mls) < 2 ||
	       (group->kind == TALK_DIRECT && talk_group_direct(talk, group->peer) != group);
}

static bool leaf_is_old(const struct talk *talk, const struct talk_group *group)
{
	uint64_t age_ms = talk->utc_ms - group->pace.leaf_ms;
	uint64_t least_ms = group->kind == TALK_EVERYONE ? 2 * talk_beat_ms(talk)
			    : group->pace.used		 ? talk_beat_ms(talk)
							 : TALK_UPDATE_IDLE_MS;

	return age_ms >= later(least_ms, mls_group_member_count(group->mls) * TALK_UPDATE_MS);
}

/* What is not as it should be may be that we are not where the others are: a commit would lead further away. */
static bool in_doubt(const struct talk *talk)
{
	const uint32_t harmless =
		UINT32_C(1) << TALK_PROBLEM_ONE_PERSON | UINT32_C(1) << TALK_PROBLEM_OLD |
		UINT32_C(1) << TALK_PROBLEM_HELD | UINT32_C(1) << TALK_PROBLEM_FEW_ADMINS;

	return (talk->problems & ~harmless) != 0 || talk->behind_ns != 0 || !talk_fresh(talk) ||
	       talk_relay_full(talk) ||
	       talk->now_ns < talk->updates.linked_ns + TALK_UPDATE_LINK_MS * TALK_MS;
}

static bool in_the_way(const struct talk *talk, const struct talk_group *group)
{
	const struct talk_pace *pace = &group->pace;

	/*
	 * In a gap that nobody has ended we may send after a while; but nobody is known to be here. Nor where there may
	 * be another history of the group, or somebody is further than we are.
	 */
	return talk->updates.calling || group->blocked || group->stuck != TALK_STUCK_NO ||
	       talk->everyone->stuck != TALK_STUCK_NO || !list_empty(&group->wishes) ||
	       group->branch.doubt || group->branch.ahead != 0 || talk->everyone->branch.doubt ||
	       in_doubt(talk) || talk_group_leaving(talk, group) ||
	       (pace->call_ns != 0 && talk->now_ns < pace->call_ns + TALK_UPDATE_CALL_MS * TALK_MS);
}

bool talk_tree_sparse(const struct talk_group *group)
{
	uint32_t parents, filled;

	mls_group_parents(group->mls, &parents, &filled);
	return 2 * (uint64_t)filled <= parents;
}

/* Until the tree is half filled the first one is not counted: it makes each commit after it smaller. */
static bool in_hand(const struct talk *talk, const struct talk_group *group)
{
	return talk->utc_ms + (TALK_UPDATE_AHEAD - 1) * TALK_UPDATE_MS >= group->pace.spent_ms ||
	       (group->pace.leaf_ms == FIRST && talk_tree_sparse(group));
}

bool talk_update_due(const struct talk *talk, struct talk_group *group)
{
	pace_settle(talk, &group->pace);
	return leaf_is_old(talk, group) && in_hand(talk, group) && !is_over(talk, group) &&
	       !in_the_way(talk, group);
}

void talk_calling(struct talk *talk, bool calling)
{
	talk->updates.calling = calling;
}
