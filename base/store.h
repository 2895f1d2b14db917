/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an engine asks to have stored, and how it reads it back.
 *
 *     engine --put, delete--> store_batch --apply, one transaction--> vault, or memory in tests
 *     engine <--get, iterate-- store_reader <------------------------
 *
 * An engine never writes: it fills a batch, and the program applies the batch of one step in one
 * transaction before anything that depends on it is sent. A row is named by (table, owner, index);
 * the index orders the rows of one owner. Owner and value are sealed at rest, table and index are
 * in clear: never put into an index what must not be seen, such as a hash of something that can be
 * guessed.
 */
#ifndef BASE_STORE_H
#define BASE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/allocator.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/writer.h"

/*
 * Each folder has sixteen table numbers, named in a header of its own: STORE_TABLES_TALK + 0 to
 * + 15. Numbers are only appended. A table with STORE_TABLE_RING in its number holds what a locked
 * phone needs to receive and to ring: it can be read and written while the store is locked, and so
 * can whoever takes that phone. All other tables answer SOTTO_ERR_STATE then.
 */
#define STORE_TABLES_LEDGER	0x10
#define STORE_TABLES_TALK	0x20
#define STORE_TABLES_CALL	0x30
#define STORE_TABLES_LINK	0x40
#define STORE_TABLES_PHONE	0x50
#define STORE_TABLES_TEST	0x60
#define STORE_TABLE_RING	0x80

#define STORE_OWNER_LEN_MAX	64	    /* the longest hash */
#define STORE_VALUE_LEN_MAX	(32u << 20) /* the ratchet tree of 10,000 devices with X-Wing keys */
#define STORE_BATCH_ACTIONS_MAX 65536	    /* more is a loop that has gone wrong */

enum store_class {
	STORE_PLAIN = 0,
	/*
	 * The value can be made unreadable for good: once it was deleted or overwritten, not even
	 * the passphrase and a copy of the disk from afterwards bring it back. For message keys,
	 * secrets of MLS, texts that disappear, and everything made from those: search index,
	 * quotes, drafts.
	 */
	STORE_ERASABLE = 1,
};

enum store_verb {
	STORE_PUT = 0,	  /* inserts, or replaces value and class */
	STORE_DELETE = 1, /* of a row that is not there: nothing happens */
};

struct store_action {
	enum store_verb verb;
	enum store_class class; /* STORE_PUT only */
	uint8_t table;
	uint64_t index;
	struct bytes owner;
	struct bytes value; /* STORE_PUT only */
};

/* The actions of one step, in order. All of them are applied, or none. */
struct store_batch {
	const struct allocator *allocator;
	struct store_action
		*actions; /* owner and value of each in one piece of memory of the batch */
	size_t len;
	size_t capacity;
};

/* Empty, takes no memory yet. allocator outlives the batch. */
void store_batch_init(struct store_batch *batch, const struct allocator *allocator);

/*
 * Adds one action; owner and value are copied. SOTTO_ERR_LIMIT for an owner, value or batch that is
 * too long, SOTTO_ERR_NO_MEMORY; the batch is then as before.
 */
MUST_USE enum sotto_err store_batch_put(struct store_batch *batch, uint8_t table,
					struct bytes owner, uint64_t index, struct bytes value,
					enum store_class class);
MUST_USE enum sotto_err store_batch_delete(struct store_batch *batch, uint8_t table,
					   struct bytes owner, uint64_t index);

/* Takes back everything after the first len actions: for an engine that fails half way through a
 * step. */
void store_batch_cut(struct store_batch *batch, size_t len);

/* Wipes and gives the memory back; the batch is empty and may be filled again. NULL is fine. */
void store_batch_release(struct store_batch *batch);

/* Rows of one owner with first <= index <= last. */
struct store_range {
	uint8_t table;
	struct bytes owner;
	uint64_t first;
	uint64_t last;
	size_t limit;	 /* at most so many rows; 0: all */
	bool descending; /* from last to first */
};

#define STORE_RANGE_ALL(table_number, owner_bytes) \
	((struct store_range){.table = (table_number), .owner = (owner_bytes), .last = UINT64_MAX})

/* value is borrowed until the function returns and wiped then. Other than SOTTO_OK ends the
 * iteration. */
typedef enum sotto_err store_row_fn(void *context, uint64_t index, struct bytes value);

/* Reading, from any store. Made by vault_reader and store_memory_reader. */
struct store_reader {
	enum sotto_err (*get)(void *context, uint8_t table, struct bytes owner, uint64_t index,
			      struct writer *out);
	enum sotto_err (*iterate)(void *context, const struct store_range *range, store_row_fn *row,
				  void *row_context);
	void *context;
};

/*
 * Appends the value to out (a growing writer wipes what it holds). SOTTO_ERR_NOT_FOUND,
 * SOTTO_ERR_STATE (locked), SOTTO_ERR_CORRUPT (it does not open); out is then as before.
 */
static inline MUST_USE enum sotto_err store_get(const struct store_reader *reader, uint8_t table,
						struct bytes owner, uint64_t index,
						struct writer *out)
{
	return reader->get(reader->context, table, owner, index, out);
}

/*
 * Calls row for each row of the range in the order of the index; no row is not an error. row may
 * read, and must not apply. Returns the first error, row's included.
 */
static inline MUST_USE enum sotto_err store_iterate(const struct store_reader *reader,
						    const struct store_range *range,
						    store_row_fn *row, void *row_context)
{
	return reader->iterate(reader->context, range, row, row_context);
}

/* Writing, for programs only. Made by vault_writer and store_memory_writer. */
struct store_writer {
	enum sotto_err (*apply)(void *context, const struct store_batch *batch);
	void *context;
};

/* All actions or none, durable on return. Errors: see vault_apply. */
static inline MUST_USE enum sotto_err store_apply(const struct store_writer *writer,
						  const struct store_batch *batch)
{
	return writer->apply(writer->context, batch);
}

#endif
