/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Problems that follow from the state, after every step: each is shown while its cause is there, and no longer.
 *
 *   blocked leaf, stuck   of any group
 *   withheld              60 s behind what others have, with everything read
 *   bad relay             a drop's newest batch did not bear the relay's signature, until it is read to its
 *                         end with batches that do, and a minute longer, for somebody to see it
 *   relay full            until it takes something, or a minute after it took nothing: then nothing is to be sent any more
 *   old                   a device that is still in the network said what only a newer version understands, for
 *                         a day; where it was an entry, as long as others have a longer ledger, too
 */
#include "talk/problem.h"

#include "talk/hold.h"

/* Everybody who uses a newer version says something of it more often. */
#define NEWER_MS     UINT64_C(86400000)
#define BAD_SHOWN_MS UINT64_C(60000)
#define FULL_MS	     UINT64_C(60000) /* what is to be sent is tried more often */

/* Any step with a clock is after 0, which means never. */
enum sotto_err talk_newer_heard(struct talk *talk, struct talk_group *group, const uint8_t *key,
				bool entry)
{
	struct talk_arrived *arrived = talk_arrived_from(talk, group, key);

	if (arrived == NULL)
		return group->arrived_count == TALK_SENDERS_MAX ? SOTTO_OK : SOTTO_ERR_NO_MEMORY;
	arrived->newer_ns = talk->now_ns;
	if (entry)
		talk->newer_entry_ns = talk->now_ns;
	talk_problem_set(talk, TALK_PROBLEM_OLD, true);
	return SOTTO_OK;
}

/* Does this evidence still count? If so, it is looked at again when its time is over. */
static bool newer_counts(const struct talk *talk, uint64_t heard_ns, uint64_t *due_ns)
{
	uint64_t end_ns = heard_ns + NEWER_MS * TALK_MS;

	if (heard_ns == 0 || talk->now_ns >= end_ns)
		return false;
	*due_ns = talk_earlier(*due_ns, end_ns);
	return true;
}

static void old_settle(struct talk *talk)
{
	uint64_t due_ns = TALK_NEVER;
	bool old;

	if ((talk->problems & UINT32_C(1) << TALK_PROBLEM_OLD) == 0)
		return;
	/* Without the entry nothing that stands behind it in the others' ledgers comes here either. */
	old = talk->newer_entry_ns != 0 && talk->behind_ns != 0;
	list_for_each (element, following, &talk->groups) {
		const struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		for (size_t i = 0; i < group->arrived_count; i++) {
			const struct talk_arrived *arrived = &group->arrived[i];

			if (arrived->newer_ns != 0 &&
			    ledger_allows_leaf(talk->ledger, arrived->key, false))
				old = newer_counts(talk, arrived->newer_ns, &due_ns) || old;
		}
	}
	talk->newer_due_ns = due_ns;
	if (!old)
		talk->newer_entry_ns = 0;
	talk_problem_set(talk, TALK_PROBLEM_OLD, old);
}

/* Drops that are read no more say nothing. */
static bool relay_is_bad(const struct talk *talk)
{
	if (talk->state != TALK_JOINING && talk->state != TALK_MEMBER)
		return false;
	if (talk->inbox.unsigned_batch || talk->porch.unsigned_batch)
		return true;
	list_for_each (element, following, &talk->groups) {
		const struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		for (size_t i = 0; i < group->drop_count; i++) {
			if (group->drops[i].unsigned_batch &&
			    (i > 0 || !(talk_stands_still(group) || talk_group_over(group))))
				return true;
		}
	}
	return false;
}

static bool bad_shown(const struct talk *talk)
{
	return talk->bad_ns != 0 && talk->now_ns < talk->bad_ns + BAD_SHOWN_MS * TALK_MS;
}

bool talk_relay_full(const struct talk *talk)
{
	return talk->full_ns != 0 && talk->now_ns < talk->full_ns + FULL_MS * TALK_MS;
}

bool talk_stranger_stays(const struct talk *talk, struct talk_group *group)
{
	uint64_t again_ns = group->stranger_ns + TALK_READD_MS * TALK_MS;
	bool again = group->stranger_ns != 0 && talk->now_ns < again_ns;

	if (!again && talk->behind_ns == 0 && talk->everyone->stuck == TALK_STUCK_NO)
		return false;
	group->commit_due_ns = again ? again_ns : TALK_NEVER;
	return true;
}

/* Others have a longer ledger or a later *everyone*: do we get there? */
static void behind_settle(struct talk *talk)
{
	const struct talk_group *everyone = talk->everyone;

	if (talk->behind_ns == 0 || everyone == NULL)
		return;
	if (talk->behind_length <= ledger_length(talk->ledger) &&
	    talk->behind_epoch <= everyone->drops[0].epoch) {
		talk->behind_ns = 0;
		talk_problem_set(talk, TALK_PROBLEM_WITHHELD, false);
		return;
	}
	/* What the relay lost it does not withhold: whoever has it brings us back. Nor is it to blame that we stand still. */
	if (everyone->stuck != TALK_STUCK_NO)
		talk->behind_ns = talk->now_ns;
	if (everyone->drops[0].at_end && talk->now_ns >= talk->behind_ns + TALK_BEHIND_MS * TALK_MS)
		talk_problem_set(talk, TALK_PROBLEM_WITHHELD, true);
}

void talk_problems_settle(struct talk *talk)
{
	bool blocked = false, stuck = false, back = false;

	list_for_each (element, following, &talk->groups) {
		const struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		blocked = blocked || (group->blocked && !talk_group_over(group));
		stuck = stuck || group->stuck == TALK_STUCK_COMMIT;
		back = back || group->stuck == TALK_STUCK_READDED ||
		       ((talk_gap_waits(talk, group) ||
			 (talk_in_gap(group) && talk_branch_behind(group))) &&
			(group->stuck == TALK_STUCK_GAP || group->asked_ms != 0));
	}
	talk_problem_set(talk, TALK_PROBLEM_BLOCKED_LEAF, blocked);
	talk_problem_set(talk, TALK_PROBLEM_STUCK, stuck);
	talk_problem_set(talk, TALK_PROBLEM_BACK, back);
	talk_problem_set(talk, TALK_PROBLEM_BRANCHED, talk_fork_shown(talk));
	talk_fresh_settle(talk);
	if (relay_is_bad(talk))
		talk->bad_ns = talk->now_ns;
	talk_problem_set(talk, TALK_PROBLEM_BAD_RELAY, bad_shown(talk));
	talk_problem_set(talk, TALK_PROBLEM_RELAY_FULL, talk_relay_full(talk));
	behind_settle(talk);
	old_settle(talk);
	talk_hold_settle(talk);
}

/* When one of them is over by time alone. */
uint64_t talk_problems_due(const struct talk *talk)
{
	uint64_t due_ns = TALK_NEVER;

	if ((talk->problems & UINT32_C(1) << TALK_PROBLEM_OLD) != 0)
		due_ns = talk->newer_due_ns;
	if (talk_relay_full(talk))
		due_ns = talk_earlier(due_ns, talk->full_ns + FULL_MS * TALK_MS);
	due_ns = talk_earlier(due_ns, talk_hold_due(talk));
	if (bad_shown(talk) && !relay_is_bad(talk))
		due_ns = talk_earlier(due_ns, talk->bad_ns + BAD_SHOWN_MS * TALK_MS);
	return due_ns;
}
