/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was read on one device of a person, for the others, where no body 12 says it: letters in their inboxes. Comes
 * with talk/state.h.
 */
#ifndef TALK_MARKS_H
#define TALK_MARKS_H

#include "talk/state.h"

/* Letters that wait, of each kind: to be sent, and for their conversation; of more the oldest goes. */
#define TALK_MARKS_ROWS_MAX 64

/* One letter's content: ours on its way to one device, or another device's for a conversation that is not read yet. */
struct talk_read_marks_row {
	struct list list;
	uint64_t number; /* of its row */
	bool out;
	uint8_t device_key[LEDGER_KEY_LEN]; /* out: to whom */
	struct talk_blob content;	    /* an encoded talk_read_marks */
	uint64_t ticket;		    /* open append; 0: none */
};

/* Has our person another device that could be told? */
bool talk_read_marks_wanted(const struct talk *talk);
/* These messages of the conversation were read on this device. */
MUST_USE enum sotto_err talk_read_marks_put(struct talk *talk, const struct talk_group *group,
					    const struct talk_message_id *ids, size_t count);
/* A letter, as it stands in our inbox. */
MUST_USE enum sotto_err talk_read_marks_receive(struct talk *talk, struct bytes bytes);
MUST_USE enum sotto_err talk_read_marks_work(struct talk *talk);
MUST_USE enum sotto_err talk_read_marks_load(struct talk *talk, uint64_t number, struct bytes row);
/* The letter with this ticket is durable, or will not be. */
MUST_USE enum sotto_err talk_read_marks_told(struct talk *talk, uint64_t ticket);
void talk_read_marks_untold(struct talk *talk, uint64_t ticket);
void talk_read_marks_unlink(struct talk *talk);
void talk_read_marks_free(struct talk *talk);

#endif
