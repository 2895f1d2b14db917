/* SPDX-License-Identifier: Apache-2.0 */
/* The batch: an array of actions, each with a piece of memory that holds its owner and its value.
 */
#include "base/store.h"

#include <string.h>

#include "base/assert.h"

#define CAPACITY_FIRST 8

void store_batch_init(struct store_batch *batch, const struct allocator *allocator)
{
	*batch = (struct store_batch){.allocator = allocator};
}

static enum sotto_err grow(struct store_batch *batch)
{
	size_t capacity = batch->capacity == 0 ? CAPACITY_FIRST : 2 * batch->capacity;
	struct store_action *actions;

	if (batch->len < batch->capacity)
		return SOTTO_OK;
	if (batch->len == STORE_BATCH_ACTIONS_MAX)
		return SOTTO_ERR_LIMIT;
	actions = allocator_take_zeroed(batch->allocator, capacity, sizeof(*actions));
	if (actions == NULL)
		return SOTTO_ERR_NO_MEMORY;
	if (batch->len != 0)
		memcpy(actions, batch->actions, batch->len * sizeof(*actions));
	allocator_give(batch->allocator, batch->actions, batch->capacity * sizeof(*actions));
	batch->actions = actions;
	batch->capacity = capacity;
	return SOTTO_OK;
}

/* Copies owner and value of the action and puts it at the end. */
static enum sotto_err add(struct store_batch *batch, struct store_action action)
{
	size_t len = action.owner.len + action.value.len;
	enum sotto_err err;
	uint8_t *copy;

	if (action.owner.len > STORE_OWNER_LEN_MAX || action.value.len > STORE_VALUE_LEN_MAX)
		return SOTTO_ERR_LIMIT;
	err = grow(batch);
	if (err != SOTTO_OK)
		return err;
	copy = allocator_take(batch->allocator, len);
	if (copy == NULL && len != 0)
		return SOTTO_ERR_NO_MEMORY;
	if (action.owner.len != 0)
		memcpy(copy, action.owner.data, action.owner.len);
	if (action.value.len != 0)
		memcpy(copy + action.owner.len, action.value.data, action.value.len);
	action.owner.data = copy;
	action.value.data = copy != NULL ? copy + action.owner.len : NULL;
	batch->actions[batch->len++] = action;
	return SOTTO_OK;
}

enum sotto_err store_batch_put(struct store_batch *batch, uint8_t table, struct bytes owner,
			       uint64_t index, struct bytes value, enum store_class class)
{
	return add(batch, (struct store_action){.verb = STORE_PUT,
						.class = class,
						.table = table,
						.index = index,
						.owner = owner,
						.value = value});
}

enum sotto_err store_batch_delete(struct store_batch *batch, uint8_t table, struct bytes owner,
				  uint64_t index)
{
	return add(batch,
		   (struct store_action){
			   .verb = STORE_DELETE, .table = table, .index = index, .owner = owner});
}

/* The memory of an action begins at its owner; add() made it, so it may be written again. */
static void release_action(const struct allocator *allocator, const struct store_action *action)
{
	union {
		const uint8_t *borrowed;
		uint8_t *owned;
	} memory = {.borrowed = action->owner.data};

	allocator_wipe(allocator, memory.owned, action->owner.len + action->value.len);
}

void store_batch_cut(struct store_batch *batch, size_t len)
{
	ASSERT(len <= batch->len);
	while (batch->len > len)
		release_action(batch->allocator, &batch->actions[--batch->len]);
}

void store_batch_release(struct store_batch *batch)
{
	if (batch == NULL || batch->allocator == NULL)
		return;
	store_batch_cut(batch, 0);
	allocator_give(batch->allocator, batch->actions, batch->capacity * sizeof(*batch->actions));
	batch->actions = NULL;
	batch->capacity = 0;
}
