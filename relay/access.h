/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the relay knows of its network: keys, admins and threshold, porch; and how that changes.
 *
 *   request -> relay_access_found / install / admins / porch -> next state -> saved durably -> in force
 *
 * A change is computed, never made in place: the caller saves the next state and copies it over the old
 * one when that is durable. generation counts the changes, so that an older state is known as such.
 */
#ifndef RELAY_ACCESS_H
#define RELAY_ACCESS_H

#include "base/random.h"
#include "link/link_key.h"
#include "wire/drop.h"

struct relay_access {
	uint64_t generation;
	uint8_t claim[WIRE_KEY_LEN];
	uint8_t network[WIRE_HASH_LEN];
	uint8_t threshold; /* 0: not founded */
	uint64_t admins_serial;
	struct wire_admin_key admins[WIRE_ADMINS_MAX];
	size_t admin_count;
	struct wire_access_key keys[WIRE_ACCESS_KEYS_MAX]; /* the newest first */
	size_t key_count;
	uint64_t porch_number;
	uint8_t porch_key[WIRE_KEY_LEN];
	uint8_t porch_drop[WIRE_HASH_LEN];
};

/* A relay without a network, with a fresh claim. */
MUST_USE enum sotto_err relay_access_init(struct relay_access *access,
					  const struct random_source *random);

/* NULL is fine. */
void relay_access_wipe(struct relay_access *access);

bool relay_access_founded(const struct relay_access *access);

/* To and from what is saved (a wire_access_state). CORRUPT: not one, or one that breaks a rule. */
MUST_USE enum sotto_err relay_access_encode(const struct relay_access *access,
					    struct writer *writer);
MUST_USE enum sotto_err relay_access_decode(struct bytes state, struct relay_access *access);

/*
 * The four changes: *next is the state after the request. STATE: found after founding, or anything else
 * before. TOO_OLD: not the next number or serial. DENIED: fewer than k valid approvals. INVALID: a
 * threshold or list that cannot be.
 */
MUST_USE enum sotto_err relay_access_found(const struct relay_access *access,
					   const struct wire_found *found,
					   struct relay_access *next);
MUST_USE enum sotto_err relay_access_install(const struct relay_access *access,
					     const struct wire_key_install *install,
					     uint64_t utc_ms, struct relay_access *next);
MUST_USE enum sotto_err relay_access_admins(const struct relay_access *access,
					    const struct wire_admins_change *change,
					    struct relay_access *next);
MUST_USE enum sotto_err relay_access_porch(const struct relay_access *access,
					   const struct wire_porch_install *install,
					   struct relay_access *next);

/* Forgets past keys whose time is over. */
void relay_access_expire(struct relay_access *access, uint64_t utc_ms);

/* The newest access key's number; 0 before founding. */
uint64_t relay_access_number(const struct relay_access *access);

/* The authority of a link that was opened with this key. */
enum wire_authority relay_access_authority(const struct relay_access *access,
					   enum link_key_kind kind, uint64_t number);

/* Is this the newest access key's possession over a link's exporter? */
bool relay_access_proves(const struct relay_access *access, const struct wire_key_prove *prove,
			 const uint8_t exporter[LINK_EXPORTER_LEN]);

/* What link_server_set_keys wants. The caller wipes both arrays. */
void relay_access_link_keys(const struct relay_access *access,
			    struct link_key live[LINK_KEYS_LIVE_MAX], size_t *live_count,
			    struct link_key past[LINK_KEYS_PAST_MAX], size_t *past_count);

#endif
