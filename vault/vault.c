/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making, opening, locking and closing.
 *
 *     create: key file with one slot, durable -> one transaction that makes tables and counters
 *     open:   counters -> the slot that fits them -> passphrase -> keys -> MAC -> every row's head
 *             -> sync of both files -> zeros over the slot that does not count
 *
 * A vault is there once that transaction is; a key file without it is left over and written anew.
 */
#include "vault/vault.h"

#include <string.h>

#include "base/assert.h"
#include "crypto/guarded.h"
#include "vault/state.h"

enum sotto_err vault_check_passphrase(struct bytes passphrase)
{
	if (passphrase.len == 0 || passphrase.len > VAULT_PASSPHRASE_LEN_MAX)
		return SOTTO_ERR_ARGUMENT;
	return SOTTO_OK;
}

static enum sotto_err make(const struct vault_config *config, struct vault **vault)
{
	struct vault *made = allocator_take_zeroed(config->allocator, 1, sizeof(*made));
	void *keys = NULL;
	enum sotto_err err;

	if (made == NULL)
		return SOTTO_ERR_NO_MEMORY;
	err = guarded_create(sizeof(*made->keys), NULL, &keys);
	if (err != SOTTO_OK) {
		allocator_give(config->allocator, made, sizeof(*made));
		return err;
	}
	made->keys = keys;
	made->allocator = config->allocator;
	made->random = config->random;
	made->cost = config->cost.passes != 0 ? config->cost : PASSWORD_COST_DEFAULT;
	*vault = made;
	return SOTTO_OK;
}

void vault_close(struct vault *vault)
{
	if (vault == NULL)
		return;
	vault_database_close(&vault->database);
	vault_keyfile_close(&vault->keyfile);
	guarded_destroy(vault->keys);
	allocator_wipe(vault->allocator, vault, sizeof(*vault));
}

static enum sotto_err check_config(const struct vault_config *config, struct bytes passphrase)
{
	if (strlen(config->path) > VAULT_PATH_LEN_MAX)
		return SOTTO_ERR_ARGUMENT;
	return vault_check_passphrase(passphrase);
}

/* A master key and the first erasure keys, into keys and slot. */
static enum sotto_err make_keys(struct vault *vault, struct bytes passphrase)
{
	uint8_t master[VAULT_KEY_LEN];
	enum sotto_err err;

	vault->slot.sequence = 1;
	vault->slot.cost = vault->cost;
	TRY(random_fill(vault->random, master, sizeof(master)));
	TRY(vault_slot_wrap(&vault->slot, passphrase, BYTES_OF(master), vault->random));
	vault_keys_derive(vault->keys, BYTES_OF(master));
	for (unsigned int i = 0; i < VAULT_DOMAINS; i++) {
		uint8_t *erasure = vault->keys->domain[i].erasure;

		TRY(random_fill(vault->random, erasure, VAULT_KEY_LEN));
		TRY(vault_slot_put_erasure(&vault->slot, (enum vault_domain)i, erasure, vault->keys,
					   vault->random));
	}
out:
	bytes_wipe(master, sizeof(master));
	return err;
}

enum sotto_err vault_create(const struct vault_config *config, struct bytes passphrase,
			    struct vault **vault)
{
	struct vault *made = NULL;
	enum sotto_err err;

	TRY(check_config(config, passphrase));
	TRY(make(config, &made));
	TRY(vault_database_open(&made->database, config->vfs, config->path, true));
	TRY(make_keys(made, passphrase));
	TRY(vault_keyfile_open(&made->keyfile, made->allocator, config->vfs, config->path, true));
	TRY(vault_keyfile_write(&made->keyfile, 0, &made->slot));
	TRY(vault_keyfile_erase(&made->keyfile, 1));
	TRY(vault_database_begin(&made->database));
	TRY(vault_database_make(&made->database));
	TRY(vault_meta_put(made, &made->meta));
	TRY(vault_database_commit(&made->database));
	*vault = made;
	made = NULL;
out:
	vault_close(made);
	return err;
}

static bool fits(const struct vault_keyfile_entry *entry, const struct vault_meta *meta)
{
	return entry->err == SOTTO_OK && entry->slot.generation[0] == meta->generation[0] &&
	       entry->slot.generation[1] == meta->generation[1];
}

/*
 * Of the slots with the database's generations the one with the highest sequence: a new passphrase counts
 * as soon as it is durable, new erasure keys when the database refers to them.
 */
static enum sotto_err choose_slot(struct vault *vault)
{
	struct vault_keyfile_entry entries[VAULT_KEYFILE_PLACES];
	bool found = false;
	bool later = false;
	enum sotto_err err;

	TRY(vault_keyfile_read(&vault->keyfile, entries));
	for (unsigned int i = 0; i < VAULT_KEYFILE_PLACES; i++) {
		later |= entries[i].err == SOTTO_ERR_VERSION;
		if (!fits(&entries[i], &vault->meta))
			continue;
		if (found && entries[i].slot.sequence <= vault->slot.sequence)
			continue;
		vault->slot = entries[i].slot;
		vault->place = i;
		found = true;
	}
	FAIL_IF(!found && later, SOTTO_ERR_VERSION);
	FAIL_IF(!found, SOTTO_ERR_CORRUPT);
	vault->unsettled = entries[vault_other_place(vault)].err != SOTTO_ERR_NOT_FOUND;
out:
	return err;
}

/* Into keys, all of them; on failure keys may hold anything. */
static enum sotto_err open_keys(const struct vault_slot *slot, struct bytes passphrase,
				struct vault_keys *keys)
{
	uint8_t master[VAULT_KEY_LEN];
	enum sotto_err err;

	TRY(vault_slot_unwrap(slot, passphrase, master));
	vault_keys_derive(keys, BYTES_OF(master));
	for (unsigned int i = 0; i < VAULT_DOMAINS; i++)
		TRY(vault_slot_get_erasure(slot, (enum vault_domain)i, keys));
out:
	bytes_wipe(master, sizeof(master));
	return err;
}

struct audit {
	const struct vault_keys *keys;
	uint8_t set[VAULT_MAC_LEN];
};

static enum sotto_err audit_row(void *context, const struct vault_head *head, struct bytes sealed)
{
	struct audit *audit = context;

	(void)sealed;
	vault_set_toggle(audit->keys, head, audit->set);
	return SOTTO_OK;
}

/* Is this database whole, and all of one time? */
static enum sotto_err audit(struct vault *vault)
{
	struct audit audit = {.keys = vault->keys};
	uint8_t mac[VAULT_MAC_LEN];
	enum sotto_err err;

	vault_meta_mac(vault->keys, &vault->meta, mac);
	FAIL_IF(!bytes_equal_ct(mac, vault->meta.mac, sizeof(mac)), SOTTO_ERR_CORRUPT);
	TRY(vault_database_heads(&vault->database, audit_row, &audit));
	FAIL_IF(!bytes_equal_ct(audit.set, vault->meta.set, sizeof(audit.set)), SOTTO_ERR_CORRUPT);
out:
	return err;
}

/* What was read becomes durable before anything else is destroyed or done because of it. */
static enum sotto_err settle_opened(struct vault *vault)
{
	enum sotto_err err;

	TRY(vault_database_sync(&vault->database));
	if (vault->unsettled)
		TRY(vault_keyfile_erase(&vault->keyfile, vault_other_place(vault)));
	else
		TRY(vault_keyfile_sync(&vault->keyfile));
	vault->unsettled = false;
out:
	return err;
}

enum sotto_err vault_open(const struct vault_config *config, struct bytes passphrase,
			  struct vault **vault)
{
	struct vault *made = NULL;
	enum sotto_err err;

	TRY(check_config(config, passphrase));
	TRY(make(config, &made));
	TRY(vault_database_open(&made->database, config->vfs, config->path, false));
	TRY(vault_database_get_meta(&made->database, &made->meta));
	err = vault_keyfile_open(&made->keyfile, made->allocator, config->vfs, config->path, false);
	FAIL_IF(err == SOTTO_ERR_NOT_FOUND, SOTTO_ERR_CORRUPT); /* the database is of a vault */
	TRY(err);
	TRY(choose_slot(made));
	TRY(open_keys(&made->slot, passphrase, made->keys));
	TRY(audit(made));
	TRY(settle_opened(made));
	*vault = made;
	made = NULL;
out:
	vault_close(made);
	return err;
}

void vault_lock(struct vault *vault)
{
	bytes_wipe(&vault->keys->domain[VAULT_FULL], sizeof(vault->keys->domain[VAULT_FULL]));
	vault->locked = true;
}

bool vault_locked(const struct vault *vault)
{
	return vault->locked;
}

enum sotto_err vault_unlock(struct vault *vault, struct bytes passphrase)
{
	void *keys = NULL;
	enum sotto_err err;

	TRY(vault_check_passphrase(passphrase));
	TRY(guarded_create(sizeof(*vault->keys), NULL, &keys));
	TRY(open_keys(&vault->slot, passphrase, keys));
	memcpy(vault->keys, keys, sizeof(*vault->keys));
	vault->locked = false;
out:
	guarded_destroy(keys);
	return err;
}
