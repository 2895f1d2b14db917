/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The content of a sheaf of messages that another device hands over. What is taken for one keeps the rules that rows
 * and screens rely on.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/utf8.h"
#include "fuzz/round_trip.h"
#include "talk/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct talk_history_item *item)
{
	struct wire_cursor cursor = wire_list_walk(&item->reactions);
	struct talk_history_reaction reaction;

	ASSERT(item->kind == TALK_ROW_TEXT || item->kind == TALK_ROW_NOTICE);
	ASSERT(item->sequence != 0 && utf8_valid(item->text));
	ASSERT(!item->deleted || item->text.len == 0);
	ASSERT((item->author != 0) == (item->kind == TALK_ROW_TEXT));
	ASSERT(item->kind == TALK_ROW_TEXT || item->text.len <= TALK_GROUP_NAME_MAX);
	while (wire_list_next(&cursor, &talk_history_reaction_type, &reaction))
		ASSERT(reaction.member != 0 && utf8_valid(reaction.reaction));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct talk_history_sheaf sheaf;
	struct talk_history_item item;
	struct wire_cursor cursor;

	if (talk_sheaf_read(BYTES(data, size), &sheaf) != SOTTO_OK)
		return 0;
	round_trip(&talk_history_sheaf_type, BYTES(data, size));
	cursor = wire_list_walk(&sheaf.items);
	while (wire_list_next(&cursor, &talk_history_item_type, &item))
		check(&item);
	return 0;
}
