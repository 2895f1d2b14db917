/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another passphrase: the same master key, wrapped anew in the other place of the key file; once that is
 * durable it counts, having the higher sequence, and the old wrap is overwritten.
 */
#include "vault/state.h"

enum sotto_err vault_passphrase(struct vault *vault, struct bytes old_passphrase,
				struct bytes new_passphrase)
{
	struct vault_slot slot;
	uint8_t master[VAULT_KEY_LEN];
	enum sotto_err err;

	TRY(vault_check_passphrase(old_passphrase));
	TRY(vault_check_passphrase(new_passphrase));
	TRY(vault_settle(vault));
	slot = vault->slot;
	TRY(vault_slot_unwrap(&slot, old_passphrase, master));
	slot.sequence++;
	slot.cost = vault->cost;
	TRY(vault_slot_wrap(&slot, new_passphrase, BYTES_OF(master), vault->random));
	vault->unsettled = true;
	err = vault_keyfile_write(&vault->keyfile, vault_other_place(vault), &slot);
	if (err != SOTTO_OK) {
		/* It may have got there: without this a stop could still make it the one that counts. */
		vault->unsettled =
			vault_keyfile_erase(&vault->keyfile, vault_other_place(vault)) != SOTTO_OK;
		goto out;
	}
	vault->slot = slot;
	vault->place = vault_other_place(vault);
	/* It counts from now on. If the old wrap resists, vault_settle tries again. */
	vault->unsettled =
		vault_keyfile_erase(&vault->keyfile, vault_other_place(vault)) != SOTTO_OK;
out:
	bytes_wipe(master, sizeof(master));
	return err;
}
