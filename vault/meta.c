/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What vouches for the database as a whole: a MAC over its counters and over the set hash, which is the
 * XOR of one MAC for each row over its name and nonce. Rows that are lost, moved or of another time change
 * it. Only a whole database of another time fits itself again (docs/vault.md).
 */
#include <string.h>

#include "crypto/hash.h"
#include "vault/state.h"

enum meta_label {
	LABEL_ROW = 1,
	LABEL_META = 2,
};

static void update_u64(struct hmac *hmac, uint64_t value)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(value >> (56 - 8 * i));
	hmac_update(hmac, BYTES_OF(bytes));
}

void vault_set_toggle(const struct vault_keys *keys, const struct vault_head *head, uint8_t *set)
{
	const uint8_t prefix[] = {LABEL_ROW, head->table, head->erasable};
	uint8_t digest[HASH_LEN_MAX];
	struct hmac hmac;

	hmac_init(&hmac, HASH_SHA256, BYTES_OF(keys->meta));
	hmac_update(&hmac, BYTES_OF(prefix));
	hmac_update(&hmac, BYTES_OF(head->owner));
	update_u64(&hmac, head->index);
	update_u64(&hmac, head->slot);
	hmac_update(&hmac, BYTES_OF(head->nonce));
	hmac_final(&hmac, digest);
	for (size_t i = 0; i < VAULT_MAC_LEN; i++)
		set[i] ^= digest[i];
}

void vault_meta_mac(const struct vault_keys *keys, const struct vault_meta *meta, uint8_t *mac)
{
	const uint8_t prefix[] = {LABEL_META};
	uint8_t digest[HASH_LEN_MAX];
	struct hmac hmac;

	hmac_init(&hmac, HASH_SHA256, BYTES_OF(keys->meta));
	hmac_update(&hmac, BYTES_OF(prefix));
	update_u64(&hmac, meta->commits);
	for (size_t i = 0; i < VAULT_DOMAINS; i++) {
		update_u64(&hmac, meta->generation[i]);
		update_u64(&hmac, meta->slots[i]);
	}
	hmac_update(&hmac, BYTES_OF(meta->set));
	hmac_final(&hmac, digest);
	memcpy(mac, digest, VAULT_MAC_LEN);
}

enum sotto_err vault_meta_put(struct vault *vault, struct vault_meta *meta)
{
	vault_meta_mac(vault->keys, meta, meta->mac);
	return vault_database_put_meta(&vault->database, meta);
}

struct vault_head vault_head_of(const struct vault *vault, uint8_t table, struct bytes owner,
				uint64_t index)
{
	struct vault_head head = {.table = table, .index = index};

	vault_owner_hash(vault->keys, table, owner, head.owner);
	return head;
}

struct vault_place vault_row_place(const struct vault_head *head)
{
	struct vault_place place = {.kind = VAULT_SEALED_ROW,
				    .table = head->table,
				    .class = head->erasable,
				    .index = head->index,
				    .slot = head->slot};

	memcpy(place.owner, head->owner, sizeof(place.owner));
	return place;
}

enum sotto_err vault_settle(struct vault *vault)
{
	struct vault_meta meta = vault->meta;
	enum sotto_err err = SOTTO_OK;

	if (!vault->unsettled)
		return SOTTO_OK;
	meta.commits++;
	TRY(vault_database_begin(&vault->database));
	TRY(vault_meta_put(vault, &meta));
	TRY(vault_database_commit(&vault->database));
	vault->meta = meta;
	TRY(vault_keyfile_erase(&vault->keyfile, vault_other_place(vault)));
	vault->unsettled = false;
out:
	vault_database_rollback(&vault->database);
	return err;
}
