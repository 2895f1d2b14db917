/* SPDX-License-Identifier: Apache-2.0 */
/* Events for the program, and the problems that people are shown. */
#include <string.h>

#include "base/assert.h"
#include "talk/state.h"

static const char *const problem_texts[TALK_PROBLEM_COUNT] = {
	[TALK_PROBLEM_ONE_PERSON] = "one person controls this network",
	[TALK_PROBLEM_FORKED] =
		"somebody sees another history of this network: this relay or their phone",
	[TALK_PROBLEM_WITHHELD] =
		"others have news that this phone cannot get: this relay or their phone",
	[TALK_PROBLEM_BLOCKED_LEAF] =
		"a conversation still holds a phone that the ledger does not allow",
	[TALK_PROBLEM_RELAY_FULL] = "the relay is full",
	[TALK_PROBLEM_REFUSED] = "the relay refuses this phone's requests",
	[TALK_PROBLEM_LOST] = "the relay lost records; they are being sent again",
	[TALK_PROBLEM_OLD] = "others use a newer version of sotto",
	[TALK_PROBLEM_CONTRADICTION] = "the relay signed two different histories",
	[TALK_PROBLEM_OLD_KEY] =
		"this phone has not got the network's newest access key yet: it only reads",
	[TALK_PROBLEM_BAD_RELAY] = "what the relay sends does not bear its signature",
	[TALK_PROBLEM_STUCK] =
		"a conversation stands still: somebody made a change that this phone cannot open",
	[TALK_PROBLEM_NOT_FRESH] = ("no word from an admin for a day: this relay holds news "
				    "back, or their phones are off"),
	[TALK_PROBLEM_CLOCK] =
		"this phone's clock differs from the relay's by more than 10 minutes: "
		"until it is set it lets nobody in",
	[TALK_PROBLEM_HELD] = "nothing is sent in a conversation that somebody reads who is "
			      "suspended, whose membership has ended, or whose phone runs a "
			      "release that the policy does not allow",
	[TALK_PROBLEM_ENDED] = "this membership has ended: nothing is sent any more",
	[TALK_PROBLEM_RELEASE] = "this phone runs a release that the network's policy does not "
				 "allow any more: nothing is sent",
	[TALK_PROBLEM_FEW_ADMINS] =
		"so few admins were heard of in two days that not one more may be missing",
	[TALK_PROBLEM_BRANCHED] =
		"the relay showed two histories of a conversation: they are being made one",
	[TALK_PROBLEM_BACK] =
		"this phone was away for long: it waits for another one to bring it back",
};

const char *talk_problem_text(enum talk_problem problem)
{
	return (unsigned int)problem < TALK_PROBLEM_COUNT ? problem_texts[problem] : "unknown";
}

void talk_problem_set(struct talk *talk, enum talk_problem problem, bool holds)
{
	uint32_t bit = UINT32_C(1) << problem;

	if (holds != ((talk->problems & bit) != 0))
		talk->dirty = true;
	if (holds)
		talk->problems |= bit;
	else
		talk->problems &= ~bit;
}

enum sotto_err talk_tell(struct talk *talk, const struct talk_event *event)
{
	struct talk_event_row *row = talk_take(talk, sizeof(*row));

	if (row == NULL)
		return SOTTO_ERR_NO_MEMORY;
	if (talk_blob_set(talk, &row->text, event->text) != SOTTO_OK) {
		talk_give(talk, row, sizeof(*row));
		return SOTTO_ERR_NO_MEMORY;
	}
	row->event = *event;
	row->event.text = talk_blob_bytes(&row->text);
	row->event.message.text = row->event.text;
	list_append(&talk->events, &row->list);
	return SOTTO_OK;
}

void talk_events_clear(struct talk *talk, struct list *events)
{
	list_for_each (element, following, events) {
		struct talk_event_row *row = CONTAINER_OF(element, struct talk_event_row, list);

		list_remove(&row->list);
		talk_blob_clear(talk, &row->text);
		talk_give(talk, row, sizeof(*row));
	}
}

bool talk_next_event(struct talk *talk, struct talk_event *event)
{
	struct talk_event_row *row;

	talk_events_clear(talk, &talk->told);
	if (talk->batch.len > 0 || list_empty(&talk->events))
		return false;
	row = CONTAINER_OF(talk->events.next, struct talk_event_row, list);
	list_remove(&row->list);
	list_append(&talk->told, &row->list);
	*event = row->event;
	return true;
}
