/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database: all SQL of the vault, and nothing of its cryptography.
 *
 *     meta   one row: counters, the set hash, and a MAC over both
 *     rows   store, owner (hash), idx, slot (of the row key; NULL: plain), value (sealed)
 *     nodes  domain, level, number, sealed: 64 keys each, see vault/tree.h
 *     slots  domain, slot: row keys that are free to be used again
 *
 * The rows are in one B-tree (WITHOUT ROWID): with a second one as index, damage to the index would hide
 * rows that the pass over the other still counts.
 */
#ifndef VAULT_DATABASE_H
#define VAULT_DATABASE_H

#include <sqlite3.h>

#include "vault/keys.h"

#define VAULT_DATABASE_VERSION 1

/* What SQLite says, as one of ours. */
MUST_USE enum sotto_err vault_error(int sqlite_code);

enum vault_sql {
	VAULT_SQL_BEGIN,
	VAULT_SQL_COMMIT,
	VAULT_SQL_ROLLBACK,
	VAULT_SQL_META_GET,
	VAULT_SQL_META_PUT,
	VAULT_SQL_ROW_FIND,
	VAULT_SQL_ROW_PUT,
	VAULT_SQL_ROW_DELETE,
	VAULT_SQL_ROW_GET,
	VAULT_SQL_NODE_GET,
	VAULT_SQL_NODE_PUT,
	VAULT_SQL_SLOT_FREE,
	VAULT_SQL_SLOT_PUT,
	VAULT_SQL_SLOT_DELETE,
	VAULT_SQL_COUNT,
};

struct vault_database {
	sqlite3 *sqlite;
	sqlite3_stmt *statements[VAULT_SQL_COUNT]; /* prepared when first used */
};

/* What is in the row of meta. */
struct vault_meta {
	uint64_t commits;
	uint64_t
		generation[VAULT_DOMAINS]; /* of the erasure keys that the nodes are sealed under */
	uint64_t slots[VAULT_DOMAINS];	   /* row keys that were ever used */
	uint8_t set[VAULT_MAC_LEN]; /* XOR over the rows of a MAC of each row's name and nonce */
	uint8_t mac[VAULT_MAC_LEN];
};

/* A row's head: all but the ciphertext. */
struct vault_head {
	uint8_t table;
	uint8_t owner[VAULT_OWNER_LEN];
	uint64_t index;
	bool erasable;
	uint64_t slot; /* of an erasable one */
	uint8_t nonce[VAULT_NONCE_LEN];
};

/*
 * create: made if there is none. Else SOTTO_ERR_NOT_FOUND for no file, and for one in which no vault was
 * ever finished. SOTTO_ERR_EXISTS with create if there is one. On failure there is nothing to close.
 */
MUST_USE enum sotto_err vault_database_open(struct vault_database *database, const char *vfs,
					    const char *path, bool create);

/* One that was never opened (zeroed) is fine. */
void vault_database_close(struct vault_database *database);

/*
 * Makes durable what is seen: after a program was killed the log may hold a whole commit that was never
 * synced, and whoever acts on what he reads must not lose it to a power cut. Writes nothing.
 */
MUST_USE enum sotto_err vault_database_sync(struct vault_database *database);

/* Tables and version; inside of a transaction. */
MUST_USE enum sotto_err vault_database_make(struct vault_database *database);

MUST_USE enum sotto_err vault_database_begin(struct vault_database *database);
MUST_USE enum sotto_err vault_database_commit(struct vault_database *database);
/* Nothing to roll back is fine. */
void vault_database_rollback(struct vault_database *database);

MUST_USE enum sotto_err vault_database_get_meta(struct vault_database *database,
						struct vault_meta *meta);
MUST_USE enum sotto_err vault_database_put_meta(struct vault_database *database,
						const struct vault_meta *meta);

/* head: table, owner and index say which; the rest is set. SOTTO_ERR_NOT_FOUND. */
MUST_USE enum sotto_err vault_database_find(struct vault_database *database,
					    struct vault_head *head);
MUST_USE enum sotto_err vault_database_put(struct vault_database *database,
					   const struct vault_head *head, struct bytes sealed);
MUST_USE enum sotto_err vault_database_delete(struct vault_database *database,
					      const struct vault_head *head);

/* Of each row in turn; sealed is borrowed until the function returns, and only its nonce if heads. */
typedef enum sotto_err vault_head_fn(void *context, const struct vault_head *head,
				     struct bytes sealed);

/* One row; SOTTO_ERR_NOT_FOUND. */
MUST_USE enum sotto_err vault_database_get(struct vault_database *database,
					   const struct vault_head *head, vault_head_fn *row,
					   void *context);
/* The rows of head's table and owner within the range. */
MUST_USE enum sotto_err vault_database_range(struct vault_database *database,
					     const struct vault_head *head,
					     const struct store_range *range, vault_head_fn *row,
					     void *context);
/* Every row's head. */
MUST_USE enum sotto_err vault_database_heads(struct vault_database *database, vault_head_fn *row,
					     void *context);

/* sealed: exactly capacity bytes, else SOTTO_ERR_CORRUPT. SOTTO_ERR_NOT_FOUND. */
MUST_USE enum sotto_err vault_database_get_node(struct vault_database *database,
						enum vault_domain domain, unsigned int level,
						uint64_t number, uint8_t *sealed, size_t capacity);
MUST_USE enum sotto_err vault_database_put_node(struct vault_database *database,
						enum vault_domain domain, unsigned int level,
						uint64_t number, struct bytes sealed);

/* The lowest free one; SOTTO_ERR_NOT_FOUND. */
MUST_USE enum sotto_err vault_database_free_slot(struct vault_database *database,
						 enum vault_domain domain, uint64_t *slot);
MUST_USE enum sotto_err vault_database_give_slot(struct vault_database *database,
						 enum vault_domain domain, uint64_t slot);
MUST_USE enum sotto_err vault_database_take_slot(struct vault_database *database,
						 enum vault_domain domain, uint64_t slot);

#endif
