/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applying a batch.
 *
 *     begin -> each action: row, row key, set hash -> nodes -> counters
 *           -> [something is erased: the next erasure key, durable in the other place of the key file]
 *           -> commit, durable
 *           -> [zeros over the place of the erasure key before]
 *
 * Until the commit is durable the database opens with the old erasure key, afterwards with the new one, and
 * both lie in the key file.
 */
#include <string.h>

#include "vault/state.h"
#include "vault/tree.h"

struct apply {
	struct vault *vault;
	struct vault_meta meta; /* as it will be */
	struct vault_slot slot; /* as it will be, if anything is erased */
	struct vault_tree trees[VAULT_DOMAINS];
	bool erases[VAULT_DOMAINS];
	uint8_t erasure[VAULT_DOMAINS][VAULT_KEY_LEN]; /* the next ones, of domains that erase */
};

/* A slot for a new row key: one that was freed, or the next that was never used. */
static enum sotto_err take_slot(struct apply *apply, enum vault_domain domain, uint64_t *slot)
{
	struct vault_database *database = &apply->vault->database;
	enum sotto_err err = vault_database_free_slot(database, domain, slot);

	if (err == SOTTO_OK)
		return vault_database_take_slot(database, domain, *slot);
	if (err != SOTTO_ERR_NOT_FOUND)
		return err;
	if (apply->meta.slots[domain] >= VAULT_ERASABLE_MAX)
		return SOTTO_ERR_LIMIT;
	*slot = apply->meta.slots[domain]++;
	return SOTTO_OK;
}

/* The row that stands under this name, if any, is going away: its key, its slot, its part of the set. */
static enum sotto_err retire(struct apply *apply, const struct vault_head *head)
{
	enum vault_domain domain = vault_domain_of(head->table);
	enum sotto_err err;

	vault_set_toggle(apply->vault->keys, head, apply->meta.set);
	if (!head->erasable)
		return SOTTO_OK;
	apply->erases[domain] = true;
	err = vault_tree_set(&apply->trees[domain], head->slot, NULL);
	if (err != SOTTO_OK)
		return err;
	return vault_database_give_slot(&apply->vault->database, domain, head->slot);
}

/* Seals the value under the domain's key, or under a key of its own, into head->nonce and sealed. */
static enum sotto_err seal_value(struct apply *apply, struct vault_head *head, struct bytes value,
				 uint8_t *sealed)
{
	struct vault *vault = apply->vault;
	enum vault_domain domain = vault_domain_of(head->table);
	uint8_t row_key[VAULT_KEY_LEN];
	const uint8_t *key = vault->keys->domain[domain].value;
	struct vault_place place;
	enum sotto_err err = SOTTO_OK;

	if (head->erasable) {
		TRY(take_slot(apply, domain, &head->slot));
		TRY(random_fill(vault->random, row_key, sizeof(row_key)));
		TRY(vault_tree_set(&apply->trees[domain], head->slot, row_key));
		key = row_key;
	}
	place = vault_row_place(head);
	TRY(vault_seal(key, &place, vault->random, value, sealed));
	memcpy(head->nonce, sealed, sizeof(head->nonce));
out:
	bytes_wipe(row_key, sizeof(row_key));
	return err;
}

static enum sotto_err put(struct apply *apply, const struct store_action *action,
			  struct vault_head *head)
{
	const struct allocator *allocator = apply->vault->allocator;
	size_t len = action->value.len + VAULT_SEAL_LEN;
	uint8_t *sealed = allocator_take(allocator, len);
	enum sotto_err err;

	if (sealed == NULL)
		return SOTTO_ERR_NO_MEMORY;
	head->erasable = action->class == STORE_ERASABLE;
	head->slot = 0;
	TRY(seal_value(apply, head, action->value, sealed));
	TRY(vault_database_put(&apply->vault->database, head, BYTES(sealed, len)));
	vault_set_toggle(apply->vault->keys, head, apply->meta.set);
out:
	allocator_give(allocator, sealed, len);
	return err;
}

static enum sotto_err apply_action(struct apply *apply, const struct store_action *action)
{
	struct vault *vault = apply->vault;
	struct vault_head head = vault_head_of(vault, action->table, action->owner, action->index);
	enum sotto_err err = vault_database_find(&vault->database, &head);

	if (err == SOTTO_OK)
		err = retire(apply, &head);
	else if (err == SOTTO_ERR_NOT_FOUND)
		err = SOTTO_OK;
	if (err != SOTTO_OK)
		return err;
	if (action->verb == STORE_DELETE)
		return vault_database_delete(&vault->database, &head);
	return put(apply, action, &head);
}

/* The next erasure keys into slot, and every changed node into the database. */
static enum sotto_err flush(struct apply *apply)
{
	struct vault *vault = apply->vault;
	enum sotto_err err = SOTTO_OK;

	for (unsigned int i = 0; i < VAULT_DOMAINS; i++) {
		if (!apply->erases[i]) {
			TRY(vault_tree_flush(&apply->trees[i], NULL));
			continue;
		}
		TRY(random_fill(vault->random, apply->erasure[i], VAULT_KEY_LEN));
		apply->meta.generation[i]++;
		apply->slot.generation[i]++;
		TRY(vault_slot_put_erasure(&apply->slot, (enum vault_domain)i, apply->erasure[i],
					   vault->keys, vault->random));
		TRY(vault_tree_flush(&apply->trees[i], apply->erasure[i]));
	}
out:
	return err;
}

/* From here on the key file, the database and what is in memory move together. */
static enum sotto_err commit(struct apply *apply)
{
	struct vault *vault = apply->vault;
	bool erases = apply->erases[VAULT_RING] || apply->erases[VAULT_FULL];
	unsigned int before = vault->place;
	enum sotto_err err;

	TRY(vault_meta_put(vault, &apply->meta));
	if (erases) {
		apply->slot.sequence++;
		vault->unsettled = true;
		TRY(vault_keyfile_write(&vault->keyfile, vault_other_place(vault), &apply->slot));
	}
	TRY(vault_database_commit(&vault->database));
	vault->meta = apply->meta;
	if (!erases)
		goto out;
	vault->slot = apply->slot;
	vault->place = vault_other_place(vault);
	for (size_t i = 0; i < VAULT_DOMAINS; i++) {
		if (apply->erases[i])
			memcpy(vault->keys->domain[i].erasure, apply->erasure[i], VAULT_KEY_LEN);
	}
	/* It is applied and durable. If the old key resists, vault_settle tries again. */
	vault->unsettled = vault_keyfile_erase(&vault->keyfile, before) != SOTTO_OK;
out:
	return err;
}

enum sotto_err vault_apply(struct vault *vault, const struct store_batch *batch)
{
	struct apply apply = {.vault = vault, .meta = vault->meta, .slot = vault->slot};
	enum sotto_err err;

	for (size_t i = 0; i < batch->len; i++) {
		if (!vault_may_touch(vault, batch->actions[i].table))
			return SOTTO_ERR_STATE;
	}
	if (batch->len == 0)
		return SOTTO_OK;
	err = vault_settle(vault);
	if (err != SOTTO_OK)
		return err;
	for (unsigned int i = 0; i < VAULT_DOMAINS; i++)
		vault_tree_init(&apply.trees[i], vault->allocator, vault->random, &vault->database,
				(enum vault_domain)i, vault->keys->domain[i].erasure);
	apply.meta.commits++;
	TRY(vault_database_begin(&vault->database));
	for (size_t i = 0; i < batch->len; i++)
		TRY(apply_action(&apply, &batch->actions[i]));
	TRY(flush(&apply));
	TRY(commit(&apply));
out:
	vault_database_rollback(&vault->database);
	for (size_t i = 0; i < VAULT_DOMAINS; i++)
		vault_tree_finish(&apply.trees[i]);
	bytes_wipe(apply.erasure, sizeof(apply.erasure));
	return err;
}

static enum sotto_err writer_apply(void *context, const struct store_batch *batch)
{
	return vault_apply(context, batch);
}

struct store_writer vault_writer(struct vault *vault)
{
	return (struct store_writer){.apply = writer_apply, .context = vault};
}
