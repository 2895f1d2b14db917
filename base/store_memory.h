/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store in memory with the interface of base/store.h, for tests and the simulator: nothing is
 * sealed and nothing is durable. It can be told to die after n actions, and to be locked.
 */
#ifndef BASE_STORE_MEMORY_H
#define BASE_STORE_MEMORY_H

#include "base/store.h"

struct store_memory;

MUST_USE enum sotto_err store_memory_create(const struct allocator *allocator,
					    struct store_memory **store);

/* NULL is fine. */
void store_memory_destroy(struct store_memory *store);

/* Both borrow the store. */
struct store_reader store_memory_reader(struct store_memory *store);
struct store_writer store_memory_writer(struct store_memory *store);

/*
 * From now on n more actions are applied; the batch in which one too many stands is refused whole
 * with SOTTO_ERR_IO, and so is every later one, as if the program had died there. UINT64_MAX:
 * never.
 */
void store_memory_stop_after(struct store_memory *store, uint64_t actions);

/* While locked, tables without STORE_TABLE_RING answer SOTTO_ERR_STATE. */
void store_memory_lock(struct store_memory *store, bool locked);

/* Number of rows, and of actions applied since the store was made. */
size_t store_memory_rows(const struct store_memory *store);
uint64_t store_memory_actions(const struct store_memory *store);

#endif
