/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The phone's local store: SQLite (WAL, synchronous=FULL, one connection), every value sealed.
 *
 *     passphrase --Argon2id--> KEK --opens--> master key --HKDF--> keys of two domains: full and
 * ring
 *                                                                          |
 *     plain value     <--XChaCha20-Poly1305-- key of the domain <----------+
 *     erasable value  <--XChaCha20-Poly1305-- row key <-- leaf <-- middle <-- root <-- erasure key
 *
 * Two files: PATH is the database; PATH-keys is the key file, which holds the wrapped master key
 * and the erasure keys, each generation in a place of its own (vault/keyfile.h). Whatever deletes
 * or overwrites an erasable value replaces the erasure key: the new one is durable before the
 * commit that refers to it, the old one is overwritten after the commit. A stop at any point leaves
 * a state that opens: the one before or the one after. Both files are reached only through the
 * SQLite VFS that the caller names.
 *
 * Owners are stored as a keyed hash, indices in clear. Needs crypto_init. docs/vault.md says what a copied or restored
 * vault can and cannot do.
 */
#ifndef VAULT_VAULT_H
#define VAULT_VAULT_H

#include "base/allocator.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/random.h"
#include "base/store.h"
#include "crypto/password.h"

struct vault;

/* Everything is borrowed and outlives the vault, except path, which is copied. */
struct vault_config {
	const struct allocator *allocator;
	const struct random_source *random;
	const char *vfs;  /* a registered SQLite VFS: os/'s, or the simulator's */
	const char *path; /* at most VAULT_PATH_LEN_MAX bytes */
	/* Zeros: PASSWORD_COST_DEFAULT. For vault_create and vault_passphrase; stored with the vault. */
	struct password_cost cost;
};

#define VAULT_PATH_LEN_MAX	 511
#define VAULT_PASSPHRASE_LEN_MAX 1024

/*
 * Makes a vault. SOTTO_ERR_EXISTS if there is one. What a stop left of an unfinished creation is no
 * vault and is made anew. SOTTO_ERR_ARGUMENT for an empty or overlong passphrase.
 */
MUST_USE enum sotto_err vault_create(const struct vault_config *config, struct bytes passphrase,
				     struct vault **vault);

/*
 * Opens one, unlocked. SOTTO_ERR_NOT_FOUND: none there. SOTTO_ERR_VERSION: made by a later program.
 * SOTTO_ERR_DENIED: wrong passphrase. SOTTO_ERR_CORRUPT: damaged, or database and key file are not
 * of the same time. Also SOTTO_ERR_IO, SOTTO_ERR_DISK_FULL, SOTTO_ERR_NO_MEMORY.
 */
MUST_USE enum sotto_err vault_open(const struct vault_config *config, struct bytes passphrase,
				   struct vault **vault);

/* Wipes every key. NULL is fine. What was applied is durable without it. */
void vault_close(struct vault *vault);

/*
 * Applies all actions in one transaction, durable on return, or none. Afterwards, if anything
 * erasable was deleted or overwritten, its key is gone too. SOTTO_ERR_STATE: locked, and a table
 * lacks STORE_TABLE_RING. SOTTO_ERR_DISK_FULL, SOTTO_ERR_IO: nothing is lost, nothing was applied
 * as far as this vault shows, and the vault can be used on; as the disk may have got it
 * nevertheless, a stop right then may bring the batch back, whole. SOTTO_ERR_LIMIT: over
 * VAULT_ERASABLE_MAX rows.
 */
MUST_USE enum sotto_err vault_apply(struct vault *vault, const struct store_batch *batch);

/* Erasable rows of one domain. */
#define VAULT_ERASABLE_MAX 262144

/* Borrow the vault: store_get and store_iterate read it, store_apply is vault_apply. */
struct store_reader vault_reader(struct vault *vault);
struct store_writer vault_writer(struct vault *vault);

/*
 * Changes the passphrase by wrapping the master key anew; no value is sealed again, and the old
 * wrap is overwritten. A stop at any point leaves exactly one of the two passphrases right.
 * SOTTO_ERR_DENIED: old is wrong. Works while locked too, and leaves the vault locked.
 */
MUST_USE enum sotto_err vault_passphrase(struct vault *vault, struct bytes old_passphrase,
					 struct bytes new_passphrase);

/*
 * Erases all keys but those of the tables with STORE_TABLE_RING: what a phone needs to receive and
 * to ring. Locking a locked vault is fine.
 */
void vault_lock(struct vault *vault);
bool vault_locked(const struct vault *vault);

/* SOTTO_ERR_DENIED: wrong passphrase; the vault stays locked. */
MUST_USE enum sotto_err vault_unlock(struct vault *vault, struct bytes passphrase);

#endif
