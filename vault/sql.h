/* SPDX-License-Identifier: Apache-2.0 */
/* What vault/database.c and vault/rows.c share to run a statement. */
#ifndef VAULT_SQL_H
#define VAULT_SQL_H

#include "vault/database.h"

/* The statement, ready to be bound; NULL with the error set. */
sqlite3_stmt *vault_sql_prepare(struct vault_database *database, enum vault_sql which,
				enum sotto_err *err);

/* SQLite's integers are signed. */
sqlite3_int64 vault_sql_number(uint64_t value);

/* Places 1 to count. */
MUST_USE enum sotto_err vault_sql_bind_numbers(sqlite3_stmt *statement,
					       const sqlite3_int64 *numbers, int count);

/* Borrowed until vault_sql_finish or the next bind. */
MUST_USE enum sotto_err vault_sql_bind_bytes(sqlite3_stmt *statement, int place,
					     struct bytes bytes);

/* For a statement that gives no row. */
MUST_USE enum sotto_err vault_sql_finish(sqlite3_stmt *statement);

/* For one that gives a row: SOTTO_ERR_NOT_FOUND if there is none. After SOTTO_OK: vault_sql_done. */
MUST_USE enum sotto_err vault_sql_step(sqlite3_stmt *statement);
void vault_sql_done(sqlite3_stmt *statement);

/* Borrowed until the statement moves. Nothing if it is no blob. */
struct bytes vault_sql_column(sqlite3_stmt *statement, int column);

/* Exactly len bytes, else SOTTO_ERR_CORRUPT. */
MUST_USE enum sotto_err vault_sql_column_array(sqlite3_stmt *statement, int column, uint8_t *out,
					       size_t len);

#endif
