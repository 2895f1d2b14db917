/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of past epochs, and of messages that others' later ones have jumped over, are erased one retention time
 * after they became that: by then the relay has nothing any more that they could open.
 *
 *   epoch changed, message opened --> looked through every AGE_PASS_MS, until nothing of that can be left
 *
 * Who looks is the library, by the wall clock (mls_group_expire); what it saw is stored with it, so that a
 * phone that is started every day forgets as well.
 */
#include "talk/age.h"

#define AGE_PASS_MS UINT64_C(21600000)
/* After a start, when there is nothing more urgent. */
#define AGE_START_MS UINT64_C(60000)
/* Groups in one step: each is stored as a whole. */
#define AGE_GROUPS_MAX 16

/* By the first pass all has been seen for the first time, by the last one all of it is too old. */
static uint64_t passes_end(const struct talk *talk, const struct talk_group *group)
{
	return group->changed_ns + (talk->retention_ms + 2 * AGE_PASS_MS) * TALK_MS;
}

/* Nobody knows how long this phone was off. */
void talk_age_load(const struct talk *talk, struct talk_group *group)
{
	group->changed_ns = talk->now_ns;
	group->age_due_ns = talk->now_ns + AGE_START_MS * TALK_MS;
}

void talk_age_begin(struct talk *talk, struct talk_group *group)
{
	group->changed_ns = talk->now_ns;
	if (group->age_due_ns == TALK_NEVER)
		group->age_due_ns = talk->now_ns + AGE_PASS_MS * TALK_MS;
}

/* Seen from now on, in a step that stores the group anyway. */
void talk_age_epoch(struct talk *talk, struct talk_group *group)
{
	mls_group_expire(group->mls, talk->utc_ms / 1000);
	talk_age_begin(talk, group);
}

static void group_pass(struct talk *talk, struct talk_group *group)
{
	mls_group_expire(group->mls, talk->utc_ms / 1000);
	group->dirty_epoch = true;
	group->age_due_ns = talk->now_ns < passes_end(talk, group)
				    ? talk->now_ns + AGE_PASS_MS * TALK_MS
				    : TALK_NEVER;
}

void talk_age_work(struct talk *talk)
{
	/* What lies ahead of a clock that was set back is seen anew (mls_group_expire). */
	bool set_back = talk->utc_ms < talk->aged_utc_ms;
	size_t passes = 0;

	if (talk->utc_ms == 0)
		return;
	talk->aged_utc_ms = talk->utc_ms;
	list_for_each (element, following, &talk->groups) {
		struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		if (set_back)
			talk_age_begin(talk, group);
		if (talk->now_ns >= group->age_due_ns && passes < AGE_GROUPS_MAX) {
			group_pass(talk, group);
			passes++;
		}
	}
}

uint64_t talk_age_due(const struct talk *talk)
{
	uint64_t due_ns = TALK_NEVER;

	list_for_each (element, following, &talk->groups) {
		const struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		if (group->age_due_ns < due_ns)
			due_ns = group->age_due_ns;
	}
	return due_ns;
}
