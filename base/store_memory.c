/* SPDX-License-Identifier: Apache-2.0 */
/* Rows in one array sorted by (table, owner, index), found by bisection. */
#include "base/store_memory.h"

#include <string.h>

struct row {
	uint8_t table;
	uint8_t owner_len;
	uint8_t owner[STORE_OWNER_LEN_MAX];
	uint64_t index;
	uint8_t *value;
	size_t value_len;
};

struct store_memory {
	const struct allocator *allocator;
	struct row *rows;
	size_t len;
	size_t capacity;
	uint64_t actions;
	uint64_t actions_left; /* until the program dies; UINT64_MAX: never */
	bool locked;
};

enum sotto_err store_memory_create(const struct allocator *allocator, struct store_memory **store)
{
	struct store_memory *made = allocator_take_zeroed(allocator, 1, sizeof(*made));

	if (made == NULL)
		return SOTTO_ERR_NO_MEMORY;
	made->allocator = allocator;
	made->actions_left = UINT64_MAX;
	*store = made;
	return SOTTO_OK;
}

void store_memory_destroy(struct store_memory *store)
{
	if (store == NULL)
		return;
	for (size_t i = 0; i < store->len; i++)
		allocator_wipe(store->allocator, store->rows[i].value, store->rows[i].value_len);
	allocator_give(store->allocator, store->rows, store->capacity * sizeof(*store->rows));
	allocator_give(store->allocator, store, sizeof(*store));
}

static int compare(const struct row *row, uint8_t table, struct bytes owner, uint64_t index)
{
	int order;

	if (row->table != table)
		return row->table < table ? -1 : 1;
	order = bytes_compare(BYTES(row->owner, row->owner_len), owner);
	if (order != 0)
		return order;
	return row->index < index ? -1 : row->index > index;
}

/* The first row that is not before this name: where it is, or where it would be. */
static size_t find(const struct store_memory *store, uint8_t table, struct bytes owner,
		   uint64_t index)
{
	size_t low = 0;
	size_t high = store->len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&store->rows[middle], table, owner, index) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool found(const struct store_memory *store, size_t at, uint8_t table, struct bytes owner,
		  uint64_t index)
{
	return at < store->len && compare(&store->rows[at], table, owner, index) == 0;
}

static bool may_touch(const struct store_memory *store, uint8_t table)
{
	return !store->locked || (table & STORE_TABLE_RING) != 0;
}

static enum sotto_err memory_get(void *context, uint8_t table, struct bytes owner, uint64_t index,
				 struct writer *out)
{
	const struct store_memory *store = context;
	size_t at = find(store, table, owner, index);

	if (!may_touch(store, table))
		return SOTTO_ERR_STATE;
	if (!found(store, at, table, owner, index))
		return SOTTO_ERR_NOT_FOUND;
	writer_put_bytes(out, BYTES(store->rows[at].value, store->rows[at].value_len));
	return writer_finish(out);
}

static enum sotto_err memory_iterate(void *context, const struct store_range *range,
				     store_row_fn *row, void *row_context)
{
	const struct store_memory *store = context;
	size_t first = find(store, range->table, range->owner, range->first);
	size_t end = find(store, range->table, range->owner, range->last);
	enum sotto_err err = SOTTO_OK;
	size_t count;

	if (!may_touch(store, range->table))
		return SOTTO_ERR_STATE;
	if (range->first > range->last)
		return SOTTO_OK;
	if (found(store, end, range->table, range->owner, range->last))
		end++;
	count = end - first;
	if (range->limit != 0 && range->limit < count)
		count = range->limit;
	for (size_t i = 0; i < count && err == SOTTO_OK; i++) {
		const struct row *at = &store->rows[range->descending ? end - 1 - i : first + i];

		err = row(row_context, at->index, BYTES(at->value, at->value_len));
	}
	return err;
}

/* Room for as many rows as a batch can add, so that applying cannot fail half way. */
static enum sotto_err reserve(struct store_memory *store, size_t count)
{
	size_t capacity = store->capacity == 0 ? 64 : store->capacity;
	struct row *rows;

	if (store->len + count <= store->capacity)
		return SOTTO_OK;
	while (capacity < store->len + count)
		capacity *= 2;
	rows = allocator_take_zeroed(store->allocator, capacity, sizeof(*rows));
	if (rows == NULL)
		return SOTTO_ERR_NO_MEMORY;
	if (store->len != 0)
		memcpy(rows, store->rows, store->len * sizeof(*rows));
	allocator_give(store->allocator, store->rows, store->capacity * sizeof(*rows));
	store->rows = rows;
	store->capacity = capacity;
	return SOTTO_OK;
}

static void remove_row(struct store_memory *store, size_t at)
{
	allocator_wipe(store->allocator, store->rows[at].value, store->rows[at].value_len);
	memmove(&store->rows[at], &store->rows[at + 1], (--store->len - at) * sizeof(*store->rows));
}

/* value: a copy that the store owns from now on. */
static void put_row(struct store_memory *store, const struct store_action *action, uint8_t *value)
{
	size_t at = find(store, action->table, action->owner, action->index);
	struct row *row = &store->rows[at];

	if (found(store, at, action->table, action->owner, action->index)) {
		allocator_wipe(store->allocator, row->value, row->value_len);
	} else {
		memmove(row + 1, row, (store->len - at) * sizeof(*row));
		*row = (struct row){.table = action->table,
				    .owner_len = (uint8_t)action->owner.len,
				    .index = action->index};
		if (action->owner.len != 0)
			memcpy(row->owner, action->owner.data, action->owner.len);
		store->len++;
	}
	row->value = value;
	row->value_len = action->value.len;
}

static enum sotto_err memory_apply(void *context, const struct store_batch *batch)
{
	struct store_memory *store = context;
	enum sotto_err err = SOTTO_OK;
	uint8_t **copies;
	size_t done = 0;

	for (size_t i = 0; i < batch->len; i++) {
		if (!may_touch(store, batch->actions[i].table))
			return SOTTO_ERR_STATE;
	}
	if (batch->len > store->actions_left) {
		store->actions_left = 0;
		return SOTTO_ERR_IO;
	}
	copies = allocator_take_zeroed(store->allocator, batch->len, sizeof(*copies));
	FAIL_IF(copies == NULL && batch->len != 0, SOTTO_ERR_NO_MEMORY);
	TRY(reserve(store, batch->len));
	for (; done < batch->len; done++) {
		struct bytes value = batch->actions[done].value;

		copies[done] = allocator_take(store->allocator, value.len);
		FAIL_IF(copies[done] == NULL && value.len != 0, SOTTO_ERR_NO_MEMORY);
		if (value.len != 0)
			memcpy(copies[done], value.data, value.len);
	}
	for (size_t i = 0; i < batch->len; i++) {
		const struct store_action *action = &batch->actions[i];
		size_t at = find(store, action->table, action->owner, action->index);

		if (action->verb == STORE_PUT)
			put_row(store, action, copies[i]);
		else if (found(store, at, action->table, action->owner, action->index))
			remove_row(store, at);
	}
	store->actions += batch->len;
	if (store->actions_left != UINT64_MAX)
		store->actions_left -= batch->len;
	done = 0; /* the rows own the copies now */
out:
	for (size_t i = 0; i < done; i++)
		allocator_wipe(store->allocator, copies[i], batch->actions[i].value.len);
	allocator_give(store->allocator, copies, batch->len * sizeof(*copies));
	return err;
}

struct store_reader store_memory_reader(struct store_memory *store)
{
	return (struct store_reader){
		.get = memory_get, .iterate = memory_iterate, .context = store};
}

struct store_writer store_memory_writer(struct store_memory *store)
{
	return (struct store_writer){.apply = memory_apply, .context = store};
}

void store_memory_stop_after(struct store_memory *store, uint64_t actions)
{
	store->actions_left = actions;
}

void store_memory_lock(struct store_memory *store, bool locked)
{
	store->locked = locked;
}

size_t store_memory_rows(const struct store_memory *store)
{
	return store->len;
}

uint64_t store_memory_actions(const struct store_memory *store)
{
	return store->actions;
}
