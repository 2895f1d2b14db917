/* SPDX-License-Identifier: Apache-2.0 */
/* Reading: the row, the key of its domain or its own, the value. */
#include "vault/state.h"
#include "vault/tree.h"

struct reading {
	struct vault *vault;
	struct vault_tree tree;
	store_row_fn *row;
	void *row_context;
};

static enum sotto_err open_value(struct reading *reading, const struct vault_head *head,
				 struct bytes sealed, uint8_t *out)
{
	struct vault_place place = vault_row_place(head);
	const uint8_t *key = reading->vault->keys->domain[vault_domain_of(head->table)].value;
	uint8_t row_key[VAULT_KEY_LEN];
	enum sotto_err err = SOTTO_OK;

	if (head->erasable) {
		TRY(vault_tree_get(&reading->tree, head->slot, row_key));
		key = row_key;
	}
	FAIL_IF(vault_unseal(key, &place, sealed, out) != SOTTO_OK, SOTTO_ERR_CORRUPT);
out:
	bytes_wipe(row_key, sizeof(row_key));
	return err;
}

static enum sotto_err read_row(void *context, const struct vault_head *head, struct bytes sealed)
{
	struct reading *reading = context;
	const struct allocator *allocator = reading->vault->allocator;
	size_t len;
	uint8_t *value;
	enum sotto_err err;

	if (sealed.len < VAULT_SEAL_LEN)
		return SOTTO_ERR_CORRUPT;
	len = sealed.len - VAULT_SEAL_LEN;
	value = allocator_take(allocator, sealed.len);
	if (value == NULL)
		return SOTTO_ERR_NO_MEMORY;
	TRY(open_value(reading, head, sealed, value));
	TRY(reading->row(reading->row_context, head->index, BYTES(value, len)));
out:
	allocator_wipe(allocator, value, sealed.len);
	return err;
}

static void reading_init(struct reading *reading, struct vault *vault, uint8_t table,
			 store_row_fn *row, void *row_context)
{
	enum vault_domain domain = vault_domain_of(table);

	*reading = (struct reading){.vault = vault, .row = row, .row_context = row_context};
	vault_tree_init(&reading->tree, vault->allocator, vault->random, &vault->database, domain,
			vault->keys->domain[domain].erasure);
}

static enum sotto_err put_value(void *context, uint64_t index, struct bytes value)
{
	struct writer *out = context;

	(void)index;
	writer_put_bytes(out, value);
	return writer_finish(out);
}

static enum sotto_err reader_get_one(void *context, uint8_t table, struct bytes owner,
				     uint64_t index, struct writer *out)
{
	struct vault *vault = context;
	struct reading reading;
	struct vault_head head;
	enum sotto_err err;

	if (!vault_may_touch(vault, table))
		return SOTTO_ERR_STATE;
	head = vault_head_of(vault, table, owner, index);
	reading_init(&reading, vault, table, put_value, out);
	err = vault_database_get(&vault->database, &head, read_row, &reading);
	vault_tree_finish(&reading.tree);
	return err;
}

static enum sotto_err reader_iterate(void *context, const struct store_range *range,
				     store_row_fn *row, void *row_context)
{
	struct vault *vault = context;
	struct reading reading;
	struct vault_head head;
	enum sotto_err err;

	if (!vault_may_touch(vault, range->table))
		return SOTTO_ERR_STATE;
	head = vault_head_of(vault, range->table, range->owner, range->first);
	reading_init(&reading, vault, range->table, row, row_context);
	err = vault_database_range(&vault->database, &head, range, read_row, &reading);
	vault_tree_finish(&reading.tree);
	return err;
}

struct store_reader vault_reader(struct vault *vault)
{
	return (struct store_reader){
		.get = reader_get_one, .iterate = reader_iterate, .context = vault};
}
