/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of one conversation in the order of people, which is not that in which they came. */
#include <stdlib.h>
#include <string.h>

#include "talk/state.h"

#define GROWTH 64

static enum sotto_err room_for_one(struct talk_history *history)
{
	size_t capacity = history->capacity + history->capacity / 2 + GROWTH;
	struct talk_history_row *rows;

	if (history->count < history->capacity)
		return SOTTO_OK;
	rows = allocator_take_zeroed(history->allocator, capacity, sizeof(*rows));
	if (rows == NULL)
		return SOTTO_ERR_NO_MEMORY;
	if (history->count > 0)
		memcpy(rows, history->rows, history->count * sizeof(*rows));
	allocator_wipe(history->allocator, history->rows, history->capacity * sizeof(*rows));
	history->rows = rows;
	history->capacity = capacity;
	return SOTTO_OK;
}

static enum sotto_err row_take(void *context, uint64_t index, struct bytes value)
{
	struct talk_history *history = context;
	struct talk_history_row *row;
	struct talk_message message;
	enum sotto_err err;

	TRY(talk_message_decode(value, &message));
	TRY(room_for_one(history));
	row = &history->rows[history->count++];
	row->place = message.place;
	row->verb = message.verb;
	row->row = index;
	memcpy(row->id, message.id, sizeof(row->id));
out:
	return err;
}

/* What one commit did has one place: the same on every phone, and a group is created before it is anything. */
static int compare(const void *a, const void *b)
{
	const struct talk_history_row *left = a, *right = b;
	int order = talk_place_compare(&left->place, &right->place);

	if (order == 0 && left->place.sequence != 0) {
		order = (int)left->verb - (int)right->verb;
		if (order == 0)
			order = memcmp(left->id, right->id, sizeof(left->id));
	}
	if (order == 0)
		order = left->row < right->row ? -1 : left->row > right->row;
	return order;
}

enum sotto_err talk_history_read(const struct store_reader *reader, const struct talk_owner *owner,
				 uint64_t first_row, struct talk_history *history)
{
	struct talk_history made = {.allocator = history->allocator != NULL ? history->allocator
									    : &allocator_default};
	struct store_range range = STORE_RANGE_ALL(TALK_TABLE_MESSAGES, talk_owner_bytes(owner));
	enum sotto_err err;

	range.first = first_row;
	err = store_iterate(reader, &range, row_take, &made);
	if (err != SOTTO_OK) {
		talk_history_release(&made);
		return err;
	}
	if (made.count > 1)
		qsort(made.rows, made.count, sizeof(*made.rows), compare);
	*history = made;
	return SOTTO_OK;
}

void talk_history_release(struct talk_history *history)
{
	if (history->allocator != NULL)
		allocator_wipe(history->allocator, history->rows,
			       history->capacity * sizeof(*history->rows));
	*history = (struct talk_history){.allocator = history->allocator};
}
