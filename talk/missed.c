/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relay answered that a record of ours is durable, and it does not stand in what we have read since: a relay that
 * drops single records, or keeps them back. The same bytes go there again; a relay that has them says so, and nothing is
 * there twice.
 *
 *   appended --(answered)--> stored --(read back)--> seen
 *                                   --(TALK_MISSED_MS, the drop read to its end)--> appended again
 */
#include "talk/missed.h"

#include "talk/problem.h"

static uint64_t due_of(const struct talk_records *records)
{
	bool waits =
		records->count > 0 && records->stored == records->count && records->ticket == 0;

	return waits ? records->stored_ns + TALK_MISSED_MS * TALK_MS : TALK_NEVER;
}

/* When this message is missed; what is not for the present epoch is sealed anew for it (talk_out_again). */
static uint64_t out_due(const struct talk_group *group, const struct talk_out *out)
{
	return out->stored && !out->seen && out->epoch == group->drops[0].epoch
		       ? due_of(&out->records)
		       : TALK_NEVER;
}

/* Would we read it back? */
static bool reads(const struct talk *talk, const struct talk_group *group)
{
	return talk->state == TALK_MEMBER && talk->link_ready && group->drops[0].at_end &&
	       !talk_group_over(group) && !talk_group_alone(group) && !talk_stands_still(group);
}

void talk_missed_work(const struct talk *talk, struct talk_group *group)
{
	if (!reads(talk, group))
		return;
	if (due_of(&group->pending) <= talk->now_ns)
		group->pending.stored = 0;
	list_for_each (element, following, &group->outbox) {
		struct talk_out *out = CONTAINER_OF(element, struct talk_out, list);

		if (out_due(group, out) > talk->now_ns)
			continue;
		out->stored = false;
		out->records.stored = 0;
	}
}

uint64_t talk_missed_due(const struct talk *talk)
{
	uint64_t due = TALK_NEVER;

	list_for_each (element, following, &talk->groups) {
		const struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		if (!reads(talk, group))
			continue;
		due = talk_earlier(due, due_of(&group->pending));
		list_for_each (item, next, &group->outbox)
			due = talk_earlier(
				due, out_due(group, CONTAINER_OF(item, struct talk_out, list)));
	}
	return due;
}
