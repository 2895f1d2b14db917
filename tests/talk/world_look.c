/* SPDX-License-Identifier: Apache-2.0 */
/* What can be seen of the phones of a world: texts in their stores, and whether two of them agree. */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "tests/talk/world.h"

size_t world_text(uint32_t from, uint32_t to, uint32_t text, char *out, size_t room)
{
	return (size_t)snprintf(out, room, "text %u from %u to %u", text, from, to);
}

struct search {
	struct bytes text;
	uint32_t count;
	enum talk_message_state state;
};

static enum sotto_err row_look(void *context, uint64_t index, struct bytes value)
{
	struct search *search = context;
	struct talk_message message;
	enum sotto_err err = talk_message_decode(value, &message);

	(void)index;
	ASSERT(err == SOTTO_OK);
	if (bytes_equal(message.text, search->text)) {
		search->count++;
		search->state = message.state;
	}
	return SOTTO_OK;
}

static struct search search(struct world_phone *phone, uint32_t peer, uint32_t from, uint32_t to,
			    uint32_t text)
{
	struct talk_conversation with = talk_with(world_extension(phone->world, peer));
	struct search found = {.count = 0};
	char buffer[64];
	struct talk_owner owner;
	struct store_range range;
	enum sotto_err err;

	if (talk_conversation_owner(phone->talk, &with, &owner) != SOTTO_OK)
		return found;
	found.text = BYTES(buffer, world_text(from, to, text, buffer, sizeof(buffer)));
	range = STORE_RANGE_ALL(TALK_TABLE_MESSAGES, talk_owner_bytes(&owner));
	err = store_iterate(&phone->reader, &range, row_look, &found);
	ASSERT(err == SOTTO_OK);
	return found;
}

uint32_t world_received(struct world *world, uint32_t from, uint32_t to, uint32_t text)
{
	return search(world_phone(world, to), from, from, to, text).count;
}

enum talk_message_state world_sent_state(struct world *world, uint32_t from, uint32_t to,
					 uint32_t text)
{
	return search(world_phone(world, from), to, from, to, text).state;
}

bool world_agree(struct world *world, uint32_t a, uint32_t b)
{
	const struct ledger *left = talk_ledger(world_phone(world, a)->talk);
	const struct ledger *right = talk_ledger(world_phone(world, b)->talk);
	uint64_t length = ledger_length(left);
	uint8_t x[32], y[32];

	if (ledger_length(right) != length ||
	    memcmp(ledger_head(left, length), ledger_head(right, length), LEDGER_HASH_LEN) != 0)
		return false;
	if (talk_call_export(world_phone(world, a)->talk, world_extension(world, b), "test",
			     BYTES_NONE, x, 32) != SOTTO_OK)
		return talk_call_export(world_phone(world, b)->talk, world_extension(world, a),
					"test", BYTES_NONE, y, 32) != SOTTO_OK;
	return talk_call_export(world_phone(world, b)->talk, world_extension(world, a), "test",
				BYTES_NONE, y, 32) == SOTTO_OK &&
	       memcmp(x, y, 32) == 0;
}
