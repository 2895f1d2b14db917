/* SPDX-License-Identifier: Apache-2.0 */
/* Rows, nodes and free slots in the database. */
#include <string.h>

#include "base/assert.h"
#include "vault/sql.h"

/* Indices of 64 bits in the order of SQLite's signed integers. */
static sqlite3_int64 index_to_sql(uint64_t index)
{
	return (sqlite3_int64)(index ^ UINT64_C(1) << 63);
}

static uint64_t index_of_sql(sqlite3_int64 value)
{
	return (uint64_t)value ^ UINT64_C(1) << 63;
}

static enum sotto_err bind_head(sqlite3_stmt *statement, const struct vault_head *head)
{
	enum sotto_err err;

	TRY(vault_error(sqlite3_bind_int64(statement, 1, head->table)));
	TRY(vault_sql_bind_bytes(statement, 2, BYTES_OF(head->owner)));
	TRY(vault_error(sqlite3_bind_int64(statement, 3, index_to_sql(head->index))));
out:
	return err;
}

static void column_slot(sqlite3_stmt *statement, int column, struct vault_head *head)
{
	head->erasable = sqlite3_column_type(statement, column) != SQLITE_NULL;
	head->slot = head->erasable ? (uint64_t)sqlite3_column_int64(statement, column) : 0;
}

enum sotto_err vault_database_find(struct vault_database *database, struct vault_head *head)
{
	enum sotto_err err;
	sqlite3_stmt *statement = vault_sql_prepare(database, VAULT_SQL_ROW_FIND, &err);

	if (statement == NULL)
		return err;
	TRY(bind_head(statement, head));
	TRY(vault_sql_step(statement));
	column_slot(statement, 0, head);
	err = vault_sql_column_array(statement, 1, head->nonce, sizeof(head->nonce));
	vault_sql_done(statement);
out:
	return err;
}

enum sotto_err vault_database_put(struct vault_database *database, const struct vault_head *head,
				  struct bytes sealed)
{
	enum sotto_err err;
	sqlite3_stmt *statement = vault_sql_prepare(database, VAULT_SQL_ROW_PUT, &err);

	if (statement == NULL)
		return err;
	TRY(bind_head(statement, head));
	if (head->erasable)
		TRY(vault_error(sqlite3_bind_int64(statement, 4, vault_sql_number(head->slot))));
	else
		TRY(vault_error(sqlite3_bind_null(statement, 4)));
	TRY(vault_sql_bind_bytes(statement, 5, sealed));
	TRY(vault_sql_finish(statement));
out:
	return err;
}

enum sotto_err vault_database_delete(struct vault_database *database, const struct vault_head *head)
{
	enum sotto_err err;
	sqlite3_stmt *statement = vault_sql_prepare(database, VAULT_SQL_ROW_DELETE, &err);

	if (statement == NULL)
		return err;
	TRY(bind_head(statement, head));
	TRY(vault_sql_finish(statement));
out:
	return err;
}

/* idx, slot, value from this column on, into a head whose table and owner stand. */
static enum sotto_err call_row(sqlite3_stmt *statement, int column, struct vault_head *head,
			       vault_head_fn *row, void *context)
{
	struct bytes sealed = vault_sql_column(statement, column + 2);

	head->index = index_of_sql(sqlite3_column_int64(statement, column));
	column_slot(statement, column + 1, head);
	if (sealed.len < VAULT_NONCE_LEN ||
	    sqlite3_column_type(statement, column) != SQLITE_INTEGER)
		return SOTTO_ERR_CORRUPT;
	memcpy(head->nonce, sealed.data, VAULT_NONCE_LEN);
	return row(context, head, sealed);
}

enum sotto_err vault_database_get(struct vault_database *database, const struct vault_head *head,
				  vault_head_fn *row, void *context)
{
	struct vault_head found = *head;
	enum sotto_err err;
	sqlite3_stmt *statement = vault_sql_prepare(database, VAULT_SQL_ROW_GET, &err);

	if (statement == NULL)
		return err;
	TRY(bind_head(statement, head));
	TRY(vault_sql_step(statement));
	err = call_row(statement, 0, &found, row, context);
	vault_sql_done(statement);
out:
	return err;
}

/* Prepared anew each time: the function that it calls may begin another iteration. */
enum sotto_err vault_database_range(struct vault_database *database, const struct vault_head *head,
				    const struct store_range *range, vault_head_fn *row,
				    void *context)
{
	static const char ascending[] =
		"SELECT idx, slot, value FROM rows WHERE store = ? AND owner = ? AND idx >= ?"
		" AND idx <= ? ORDER BY idx LIMIT ?";
	static const char descending[] =
		"SELECT idx, slot, value FROM rows WHERE store = ? AND owner = ? AND idx >= ?"
		" AND idx <= ? ORDER BY idx DESC LIMIT ?";
	struct vault_head found = *head;
	sqlite3_stmt *statement = NULL;
	sqlite3_int64 limit = range->limit == 0 ? -1 : (sqlite3_int64)range->limit;
	enum sotto_err err;

	found.index = range->first;
	TRY(vault_error(sqlite3_prepare_v2(database->sqlite,
					   range->descending ? descending : ascending, -1,
					   &statement, NULL)));
	TRY(bind_head(statement, &found));
	TRY(vault_error(sqlite3_bind_int64(statement, 4, index_to_sql(range->last))));
	TRY(vault_error(sqlite3_bind_int64(statement, 5, limit)));
	do {
		int code = sqlite3_step(statement);

		if (code != SQLITE_ROW) {
			err = vault_error(code);
			break;
		}
		err = call_row(statement, 0, &found, row, context);
	} while (err == SOTTO_OK);
out:
	(void)sqlite3_finalize(statement); /* repeats the error of the step */
	return err;
}

enum sotto_err vault_database_heads(struct vault_database *database, vault_head_fn *row,
				    void *context)
{
	sqlite3_stmt *statement = NULL;
	struct vault_head head;
	enum sotto_err err;

	TRY(vault_error(sqlite3_prepare_v2(
		database->sqlite, "SELECT store, owner, idx, slot, substr(value, 1, 24) FROM rows",
		-1, &statement, NULL)));
	do {
		int code = sqlite3_step(statement);
		sqlite3_int64 table;

		if (code != SQLITE_ROW) {
			err = vault_error(code);
			break;
		}
		table = sqlite3_column_int64(statement, 0);
		FAIL_IF(sqlite3_column_type(statement, 0) != SQLITE_INTEGER || table < 0 ||
				table > UINT8_MAX,
			SOTTO_ERR_CORRUPT);
		head.table = (uint8_t)table;
		TRY(vault_sql_column_array(statement, 1, head.owner, sizeof(head.owner)));
		err = call_row(statement, 2, &head, row, context);
	} while (err == SOTTO_OK);
out:
	(void)sqlite3_finalize(statement); /* repeats the error of the step */
	return err;
}

enum sotto_err vault_database_get_node(struct vault_database *database, enum vault_domain domain,
				       unsigned int level, uint64_t number, uint8_t *sealed,
				       size_t capacity)
{
	const sqlite3_int64 numbers[] = {(sqlite3_int64)domain, (sqlite3_int64)level,
					 vault_sql_number(number)};
	enum sotto_err err;
	sqlite3_stmt *statement = vault_sql_prepare(database, VAULT_SQL_NODE_GET, &err);

	if (statement == NULL)
		return err;
	TRY(vault_sql_bind_numbers(statement, numbers, (int)ARRAY_LEN(numbers)));
	TRY(vault_sql_step(statement));
	err = vault_sql_column_array(statement, 0, sealed, capacity);
	vault_sql_done(statement);
out:
	return err;
}

enum sotto_err vault_database_put_node(struct vault_database *database, enum vault_domain domain,
				       unsigned int level, uint64_t number, struct bytes sealed)
{
	const sqlite3_int64 numbers[] = {(sqlite3_int64)domain, (sqlite3_int64)level,
					 vault_sql_number(number)};
	enum sotto_err err;
	sqlite3_stmt *statement = vault_sql_prepare(database, VAULT_SQL_NODE_PUT, &err);

	if (statement == NULL)
		return err;
	TRY(vault_sql_bind_numbers(statement, numbers, (int)ARRAY_LEN(numbers)));
	TRY(vault_sql_bind_bytes(statement, 4, sealed));
	TRY(vault_sql_finish(statement));
out:
	return err;
}

enum sotto_err vault_database_free_slot(struct vault_database *database, enum vault_domain domain,
					uint64_t *slot)
{
	const sqlite3_int64 number = (sqlite3_int64)domain;
	enum sotto_err err;
	sqlite3_stmt *statement = vault_sql_prepare(database, VAULT_SQL_SLOT_FREE, &err);

	if (statement == NULL)
		return err;
	TRY(vault_sql_bind_numbers(statement, &number, 1));
	TRY(vault_sql_step(statement));
	if (sqlite3_column_type(statement, 0) == SQLITE_NULL)
		err = SOTTO_ERR_NOT_FOUND;
	else
		*slot = (uint64_t)sqlite3_column_int64(statement, 0);
	vault_sql_done(statement);
out:
	return err;
}

static enum sotto_err change_slot(struct vault_database *database, enum vault_sql which,
				  enum vault_domain domain, uint64_t slot)
{
	const sqlite3_int64 numbers[] = {(sqlite3_int64)domain, vault_sql_number(slot)};
	enum sotto_err err;
	sqlite3_stmt *statement = vault_sql_prepare(database, which, &err);

	if (statement == NULL)
		return err;
	TRY(vault_sql_bind_numbers(statement, numbers, (int)ARRAY_LEN(numbers)));
	TRY(vault_sql_finish(statement));
out:
	return err;
}

enum sotto_err vault_database_give_slot(struct vault_database *database, enum vault_domain domain,
					uint64_t slot)
{
	return change_slot(database, VAULT_SQL_SLOT_PUT, domain, slot);
}

enum sotto_err vault_database_take_slot(struct vault_database *database, enum vault_domain domain,
					uint64_t slot)
{
	return change_slot(database, VAULT_SQL_SLOT_DELETE, domain, slot);
}
