/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An open vault, shared by vault.c (making, opening, locking), apply.c, read.c and passphrase.c.
 *
 * unsettled: something went wrong between the key file and the database, or a stop did before it was
 * opened. Then the place of the key file that does not count may not be empty, and the log may hold the
 * frames of a commit that was reported as failed. vault_settle puts both in order, and everything that
 * writes the key file calls it first.
 */
#ifndef VAULT_STATE_H
#define VAULT_STATE_H

#include "vault/database.h"
#include "vault/keyfile.h"
#include "vault/vault.h"

struct vault {
	const struct allocator *allocator;
	const struct random_source *random;
	struct password_cost cost; /* for the next passphrase */
	struct vault_database database;
	struct vault_keyfile keyfile;
	struct vault_slot slot; /* the one that counts */
	unsigned int place;	/* where it lies */
	struct vault_meta meta; /* as committed */
	struct vault_keys *keys;
	bool locked;
	bool unsettled;
};

static inline bool vault_may_touch(const struct vault *vault, uint8_t table)
{
	return !vault->locked || vault_domain_of(table) == VAULT_RING;
}

static inline unsigned int vault_other_place(const struct vault *vault)
{
	return (vault->place + 1) % VAULT_KEYFILE_PLACES;
}

/* Of table, owner and index; the rest is zero. */
struct vault_head vault_head_of(const struct vault *vault, uint8_t table, struct bytes owner,
				uint64_t index);

/* Where a row's value is sealed. */
struct vault_place vault_row_place(const struct vault_head *head);

/* Adds a row to the set hash, or takes it out: it is its own inverse. */
void vault_set_toggle(const struct vault_keys *keys, const struct vault_head *head, uint8_t *set);

/* MAC over everything before it. */
void vault_meta_mac(const struct vault_keys *keys, const struct vault_meta *meta, uint8_t *mac);

/* Puts meta, with its MAC set, into the transaction under way. */
MUST_USE enum sotto_err vault_meta_put(struct vault *vault, struct vault_meta *meta);

/*
 * A commit that changes nothing, so that the log durably ends after what counts, and then zeros into the
 * other place. Nothing to do if the vault is settled.
 */
MUST_USE enum sotto_err vault_settle(struct vault *vault);

/* SOTTO_OK for a passphrase that may be one. */
MUST_USE enum sotto_err vault_check_passphrase(struct bytes passphrase);

#endif
